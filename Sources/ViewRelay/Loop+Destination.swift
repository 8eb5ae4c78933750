import CLinux
import ControlProtocol
import ControlSocket
import Glibc
import RelayProtocol
import SessionModel

/// From a token to the display it leads to.
extension Loop {
    /// Seconds of silence after which the host of a display is asked for an acknowledgement; six go unanswered at most.
    private static let displayKeepIdle: Int32 = 30

    /// A token, where a routes file says what it means.
    func follow(_ link: Link, _ routes: RoutesFile, _ token: Secret) {
        _ = routes.look(at: monotonicSeconds())
        guard let route = routes.route(token) else {
            refuse(
                link, "403 Forbidden", EndCause.tokenRefused,
                words: "That token leads nowhere; please ask for a new one.")
            return
        }
        link.pointee.fileRoute = route
        bind(link, Destination(route), view: routes.nextView())
    }

    /// Ends, where the routes changed, whose token leads elsewhere now, allows less, or is gone.
    func reviewRoutes(_ now: Double) {
        guard let routes else { return }
        let generation = routes.look(at: now)
        guard generation != state.pointee.routesSeen else { return }
        state.pointee.routesSeen = generation
        for link in Array(state.pointee.connections.values) {
            guard let route = link.pointee.fileRoute, !route.permits(routes.route(route.token)) else { continue }
            part(link, EndCause.revoked, closeCode: 1008)
        }
    }

    /// It is known where `link` goes: opens the way there.
    func bind(_ link: Link, _ destination: Destination, view: UInt64) {
        link.pointee.route = destination
        link.pointee.viewID = view
        state.pointee.views[view] = link
        link.pointee.deadline = monotonicSeconds() + Double(configuration.openingTimeout)
        guard destination.kind == .rfb || destination.mode == .act else {
            refuse(link, "403 Forbidden", EndCause.rawWatching)
            return
        }
        guard destination.kind == .rfb || link.pointee.way != .native else {
            refuse(
                link, "403 Forbidden", EndCause.notADesktop,
                words: "That session is no desktop: a VNC viewer cannot show it.")
            return
        }
        switch destination.place {
        case .dataLink(let socket, let line):
            link.pointee.stage = .linking
            guard let endpoint = Endpoint.unix(socket), connect(link, endpoint) == .done else {
                refuse(link, "502 Bad Gateway", EndCause.dataLinkFailed)
                return
            }
            sendDisplay(link, line, line.count)
            enqueue(link)
        case .display(.unix(let path)): connectAny(link, Endpoint.unix(path).map { [$0] } ?? [])
        case .display(.host(let host, let port)):
            let endpoints = Endpoint.find(host, port: port, numericOnly: true)
            if endpoints.isEmpty {
                locate(link, host, port)
            } else {
                connectAny(link, endpoints)
            }
        }
    }

    /// Asks where a host is on a thread: an answer may take seconds.
    private func locate(_ link: Link, _ host: String, _ port: UInt16) {
        let (mailbox, serial) = (mailbox, link.pointee.serial)
        do throws(ThreadError) {
            try detachThread {
                mailbox.post(.located(connection: serial, Endpoint.find(host, port: port, numericOnly: false)))
            }
        } catch {
            refuse(link, "503 Service Unavailable", EndCause.displayUnreachable)
        }
    }

    /// A host's addresses; the viewer may have left while they were asked for.
    func located(_ serial: UInt64, _ endpoints: [Endpoint]) {
        guard let link = state.pointee.connections[serial], link.pointee.stage == .resolving else { return }
        connectAny(link, endpoints)
    }

    /// Connects to the first of `endpoints` that answers.
    private func connectAny(_ link: Link, _ endpoints: [Endpoint]) {
        link.pointee.stage = .connecting
        link.pointee.endpoints = endpoints
        while !link.pointee.endpoints.isEmpty {
            switch connect(link, link.pointee.endpoints.removeFirst()) {
            case .done:
                reached(link)
                return
            case .underWay: return
            case .failed: continue
            }
        }
        refuse(link, "502 Bad Gateway", EndCause.displayUnreachable)
    }

    /// A turn of a connection whose display's socket was not connected at once.
    func connectGoesOn(_ link: Link) {
        guard link.pointee.displayWritable || link.pointee.displayGone else { return }
        // What fails is told as gone too (connect(2), epoll_ctl(2): EPOLLERR); a display may also be gone again already.
        guard link.pointee.displayGone, socketError(link.pointee.display) != 0 else {
            reached(link)
            return
        }
        close(link.pointee.display)
        link.pointee.display = -1
        link.pointee.displayReadable = false
        link.pointee.displayGone = false
        connectAny(link, link.pointee.endpoints)
    }

    private func socketError(_ descriptor: Int32) -> Int32 {
        var failure: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &failure, &size)
        return failure
    }

    private func reached(_ link: Link) {
        link.pointee.endpoints = []
        link.pointee.displayWritable = true
        link.pointee.stage = .linking
        answer(link)
    }

    private enum Connecting { case done, underWay, failed }

    private func connect(_ link: Link, _ endpoint: Endpoint) -> Connecting {
        guard let (descriptor, isUnderWay) = endpoint.connect() else { return .failed }
        if endpoint.family != AF_UNIX {
            _ = clinux_tcp_option(descriptor, clinux_tcp_no_delay, 1)
        }
        link.pointee.display = descriptor
        link.pointee.keepsDisplay = endpoint.family == AF_UNIX
        link.pointee.displayWritable = !isUnderWay
        register(descriptor, UInt64(UInt(bitPattern: link)) | 1)
        return isUnderWay ? .underWay : .done
    }

    /// A host that is cut off shows in time; done when a view has lasted a moment, as many end before.
    func keepDisplay(_ link: Link) {
        link.pointee.keepsDisplay = true
        keepAlive(link.pointee.display, idle: Loop.displayKeepIdle, count: 6)
    }

    /// Connects to the web module.
    func connectUnix(_ link: Link, _ path: String) -> Bool {
        guard let endpoint = Endpoint.unix(path) else { return false }
        return connect(link, endpoint) == .done
    }
}
