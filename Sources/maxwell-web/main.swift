import ArgumentParser
import GatewayWeb
import Glibc
import Logging
import ServiceAccount
import SessionModel
import SettingsFile

let arguments = Arguments.parseOrExit()
if arguments.version {
    print("maxwell-web \(maxwellVersion)")
    exit(0)
}
LoggingSystem.bootstrap(StreamLogHandler.standardError)
let logger = Logger(label: "maxwell-web")
do {
    let place = try Place(arguments)
    // The port may be one that only root may have.
    let quotas = try QuotaService(
        host: place.quotas?.host, port: place.quotas?.port ?? 0, controller: place.controller,
        portalUsers: place.portalUsers, logger: logger)
    try becomeServiceAccount(place.user)
    try quotas?.serve()
    let server = try WebServer(socket: place.socket, noVNC: place.noVNC)
    try await server.run(logger: logger)
} catch let error as any UserFacingError {
    complain(error.operatorCause ?? error.userMessage)
    exit(error.exitStatus.rawValue)
} catch {
    logger.error("the pages cannot be served", metadata: ["error": "\(error)"])
    exit(ExitStatus.unavailable.rawValue)
}
