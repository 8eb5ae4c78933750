import Glibc

// A viewer or a controller that goes away is told by the call that finds it out.
signal(SIGPIPE, SIG_IGN)
StressCommand.main()
