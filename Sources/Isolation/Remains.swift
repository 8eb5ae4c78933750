import Glibc
import HostProtocol
import SessionModel

/// What runs of a display after its keeper died, and the account that can still be made.
struct Remains {
    private let left: KeeperState
    private let exit: DisplayEnd?
    private let sawDeath: Bool
    private let groups: ControlGroups

    /// What `left` tells of; after another boot there is nothing of it. `exit` is the application's, where it ended before.
    init(_ left: KeeperState, exit: DisplayEnd?, sawDeath: Bool) {
        var left = left
        if let boot = left.boot, boot != RunFolder.kernelBoot {
            left.first = nil
            left.application = nil
        }
        self.left = left
        self.exit = exit
        self.sawDeath = sawDeath
        groups = ControlGroups(folders: left.groups)
    }

    /// Ends all of it within `seconds`, and answers what the session had used until its application, or else the keeper,
    /// died.
    func end(display: DisplayNumber, within seconds: Double) -> DisplayEnd {
        let began = now()
        // Without a container the application has gone on, so far.
        let until = sawDeath || left.application?.isAlive == true ? began : left.beat?.at
        var cpu = groups.cpuSeconds
        repeat {
            left.first?.send(SIGKILL)
            if let application = left.application, application.isAlive { kill(-application.pid, SIGKILL) }
            for pid in groups.members { kill(pid, SIGKILL) }
            cpu = groups.cpuSeconds ?? cpu
            if left.first?.isAlive != true, left.application?.isAlive != true, groups.remove() { break }
            if left.first?.isAlive != true, now() > began + 1 { groups.evict() }
            usleep(2000)
        } while now() < began + seconds
        guard let handedOver = left.handedOver else {
            return exit
                ?? DisplayEnd(
                    display: display, session: left.session, key: left.key, status: nil, wallSeconds: 0, cpuSeconds: 0)
        }
        return DisplayEnd(
            display: display, session: left.session, key: left.key, status: exit?.status,
            wallSeconds: exit?.wallSeconds ?? max(0, (until ?? handedOver.at) - handedOver.at),
            cpuSeconds: max(exit?.cpuSeconds ?? 0, (cpu ?? left.beat?.cpu ?? handedOver.cpu) - handedOver.cpu),
            logTail: exit?.logTail)
    }
}
