import Glibc
import HostProtocol
import SessionModel
import Testing

@testable import Isolation

@Suite("what a session may write", .serialized)
struct WritingTests {
    /// Prints the folders and files outside the home that the user may write, and what of a mount is not harmless.
    static let look = """
        import os
        home = os.environ['HOME']
        for folder, folders, files in os.walk('/'):
            folders[:] = [f for f in folders if os.path.join(folder, f) not in ('/proc', home)]
            for path in [folder] + [os.path.join(folder, f) for f in files]:
                if not os.path.islink(path) and os.access(path, os.W_OK): print('writable', path)
        for line in open('/proc/self/mountinfo'):
            fields = line.split()
            place, options = fields[4], fields[5].split(',')
            if 'nosuid' not in options: print('nosuid', place)
            if 'nodev' not in options and not place.startswith('/dev/'): print('nodev', place)
            if 'ro' not in options: print('rw', place)
        """

    @Test("its home and its private temporary folders, and no mount runs set-user-ID programs or has devices")
    func places() throws {
        try withDisplay(3231) { agent, number in
            let said = try agent.said(try agent.python(Self.look), on: number).split(separator: "\n")
            func places(_ kind: String) -> Set<String> {
                Set(said.filter { $0.hasPrefix(kind + " ") }.map { String($0.dropFirst(kind.count + 1)) })
            }
            let devices = ["full", "null", "random", "tty", "urandom", "zero"].map { "/dev/" + $0 }
            let own = ["/tmp", "/tmp/.X11-unix", "/tmp/.X11-unix/X\(number)", "/dev/shm", "/run/maxwell/auth"]
            #expect(places("writable").subtracting(["/dev/pts/ptmx", "/var/tmp"]) == Set(devices + own))
            #expect(places("nosuid") == [] && places("nodev") == [])
            let system = places("rw").filter { place in
                ["/usr", "/opt", "/apps", "/etc/", "/var/lib", "/var/cache"].contains { place.hasPrefix($0) }
            }
            #expect(system == [])
        }
    }

    @Test("nothing can be added to the system's folders, nor changed, moved or removed there")
    func system() throws {
        let attack = """
            for d in / /usr /usr/bin /usr/lib /etc /etc/ssl /opt /var /var/lib /var/cache /run /run/maxwell /home /dev \\
                    /proc /proc/sys /proc/sys/kernel; do
                touch $d/made 2>/dev/null && echo made $d
                mkdir $d/folder 2>/dev/null && echo made $d
                mv $d $d.moved 2>/dev/null && echo moved $d
            done
            for f in /etc/passwd /etc/hosts /etc/machine-id /usr/bin/id /run/maxwell/auth.new /proc/sys/kernel/hostname \\
                    /proc/sys/kernel/core_pattern; do
                echo x 2>/dev/null >> $f && echo written $f
                rm -f $f 2>/dev/null; test -e $f || test $f = /run/maxwell/auth.new || echo removed $f
                chmod 777 $f 2>/dev/null && echo changed $f
            done
            echo done
            """
        try withDisplay(3232) { agent, number in
            let said = try agent.said("exec 2>/dev/null\n" + attack, on: number)
            #expect(said == "done\n")
            #expect(try agent.inside(number, ["cat", "/etc/hostname"]) == "session-7\n")
        }
    }
}
