// Skeleton: the files follow.
