import Glibc
import Isolation

exit(HostProgram.run(Array(CommandLine.arguments.dropFirst())))
