/// What `--help` prints.
enum HelpText {
    /// Every word, for the closest one to a mistake.
    static let words =
        PortalWords.words + [
            "sessions", "why", "quota", "extend", "reap", "hosts", "apps", "host", "login", "ticket", "counters",
            "ping",
            "bench", "stress", "migrate", "help",
        ]

    static let overview = """
        maxwell WORD [ARGUMENTS]

        Sessions:
          start user=U app=A     start an application, tell its session's number
          view N                 what a viewer needs to see a session, as JSON
          ticket N               an address that shows a session in a browser
          stop N                 end a session, at once or after its viewers were told
          extend N [TIME]        give a session more time
          sessions               list them: who watches, and when and why they will be ended
          why N                  what session N's start tried, why it ended, who watched
          quota [USER]           how much disk space somebody has, and may have

        The gateway:
          apps                   list what can be started
          hosts                  list the execution hosts
          host add|up|down|drain NAME
                                 add a host, put it to use, take it out of use, empty it
          reap [--dry-run]       end the sessions whose time is over, tell why the others stay
          check HOST yes         try a host, put it to use when it is good
          login USER             check a password against the directory
          ping                   ask whether the session service answers
          counters               what the service counted
          bench                  measure start, view and stop
          stress                 load the gateway with sessions and viewers of its own
          migrate                bring the database's tables up to date

        For the portal:
          create_userhome USER, update_quota UID SOFT HARD, screenshot USER

        'maxwell WORD --help' tells more. sessions, why, quota, reap, hosts, apps, counters and ticket take --json.
        The exit status is one of sysexits(3); a failure is one sentence on standard error.

        """

    /// The text about one word; nil when there is none, or its own program tells it.
    static func of(_ word: String) -> String? { texts[word] }

    private static let texts: [String: String] = [
        "start": """
        maxwell start user=U app=A [ip=ADDRESS] [version=V] [params=TEXT] [zone=Z] [stress=yes|synthetic]

        Starts application A for U and prints 'Session is N'. ADDRESS is the user's browser's, kept for the
        records. TEXT is percent-encoded and reaches the application as a file, at most 64 KiB. Z asks for a host
        of that zone. stress= marks a start of a load test: its users are stress-0001 to stress-9999, and only root and
        controller.stress_group may say it.

        """,
        "view": """
        maxwell view N
        maxwell view user=U ip=ADDRESS sess=N [readonly=1]

        Prints what a viewer needs to see session N as one JSON object: where to connect, the token for this view
        and the display's password. With readonly=1 the view can only watch.

        """,
        "stop": """
        maxwell stop N
        maxwell stop N --notice
        maxwell stop N --in TIME

        Ends session N: its application, its display and everyone's views. At once when nothing else is said; after
        the notice of the settings with --notice; after TIME, written 90s, 10m, 2h or 1d, with --in. Meanwhile a
        message on its display tells whoever watches.

        """,
        "check": """
        maxwell check HOST [yes]

        Tries HOST and prints one line for each finding. With 'yes' a good host is put to use.

        """,
        "create_userhome": """
        maxwell create_userhome USER

        Makes USER's home directory where there is none, with what /etc/skel has. One that is there stays as it is.

        """,
        "update_quota": """
        maxwell update_quota UID SOFT HARD

        Sets the disk limits of the user with that number or name, in blocks of 1024 bytes; 0 or nothing is none. Where no
        file system of the hosts has quotas, the session service's log says so; the exit status is 0 all the same.

        """,
        "screenshot": """
        maxwell screenshot USER

        Writes a picture of each of USER's sessions into the session's directory.

        """,
        "sessions": """
        maxwell sessions [user=U] [--json]

        Lists sessions: all of them for an administrator, otherwise the caller's own. One that failed stays for a day.
        WATCHED is the time in which at least one viewer watched. REAPED tells when and why a session will be ended
        if nothing changes, or what keeps it: 'maxwell extend N' gives it more time.

        """,
        "why": """
        maxwell why N [--json]

        Tells what is known of session N: where it is in its life, what its start tried and where, why it ended or
        failed, and the end of what its application printed. Of one that has ended also how long it lasted, was watched
        and computed, and who watched. Of the caller's own sessions, or any for an administrator.

        """,
        "quota": """
        maxwell quota [USER] [--json]

        Tells what USER, or the caller, has on the homes' file system, what they may have and what is left, in bytes with
        --json. COUNTED tells by whom: the file system itself, or us every few minutes, where limits hold nobody back.

        """,
        "extend": """
        maxwell extend N [TIME]

        Lets session N stay for TIME from now, written 90s, 10m, 2h or 1d; without TIME, for as long as it may stay
        unobserved. Being unobserved does not end it before then; nor do its age and a stop with notice, when root, the
        portal or an administrator says it.

        """,
        "reap": """
        maxwell reap [--dry-run] [--json]

        Ends the sessions whose time is over, as the session service does by itself every few seconds, and lists all
        sessions: those that go now, when the others will, and why or why not. With --dry-run none is ended.

        """,
        "hosts": """
        maxwell hosts [--json]

        Lists the execution hosts: how many sessions each has, whether they are isolated there, how many displays are
        ready without and with GLX, the memory left, the load, and why a host was set aside.

        """,
        "apps": """
        maxwell apps [--json]

        Lists the applications that can be started.

        """,
        "host": """
        maxwell host add NAME [OPTIONS]    prepare and record a host ('maxwell host add --help')
        maxwell host up NAME               put a host to use
        maxwell host down NAME             take a host out of use; its sessions go on
        maxwell host drain NAME [--end TIME]
                                           the same, and end its ready displays; with --end also the sessions that
                                           still run there after TIME (90s, 10m, 2h or 1d), their viewers are told

        """,
        "login": """
        maxwell login USER

        Checks USER's password against the directory. It is asked for without echo, or read from the first line
        of standard input when that is not a terminal.

        """,
        "ticket": """
        maxwell ticket N [--read-only] [--for TIME] [--once] [user=U] [--json]

        Prints an address that shows session N in a browser, and its ticket, which is also a password for a native
        viewer. TIME is written 90s, 10m (as if not given), 2h or 1d. With --once the ticket is good for one
        connection, with --read-only it can only watch. It is made for the session's owner unless U is given.

        """,
        "counters": """
        maxwell counters [--json]

        Prints what the session service counted since it started.

        """,
        "ping": """
        maxwell ping

        Asks whether the session service answers.

        """,
        "migrate": """
        maxwell migrate

        Brings the database's tables up to date; run it before a new release's session service starts.

        """,
    ]
}
