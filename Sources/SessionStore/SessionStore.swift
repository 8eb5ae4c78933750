// Skeleton: the module's files follow.
