// Skeleton: the tests follow.
