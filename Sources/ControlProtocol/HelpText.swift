/// What `--help` prints.
enum HelpText {
    /// Every word, for the closest one to a mistake.
    static let words =
        PortalWords.words + [
            "sessions", "why", "hosts", "apps", "host", "login", "ticket", "counters", "ping", "bench", "migrate",
            "help",
        ]

    static let overview = """
        maxwell WORD [ARGUMENTS]

        Sessions:
          start user=U app=A     start an application, tell its session's number
          view N                 what a viewer needs to see a session, as JSON
          ticket N               an address that shows a session in a browser
          stop N                 end a session
          sessions               list them
          why N                  what session N's start tried, and why it ended

        The gateway:
          apps                   list what can be started
          hosts                  list the execution hosts
          host add|up|down|drain NAME
                                 add a host, put it to use, take it out of use
          check HOST yes         try a host, put it to use when it is good
          login USER             check a password against the directory
          ping                   ask whether the session service answers
          counters               what the service counted
          bench                  measure start, view and stop
          migrate                bring the database's tables up to date

        For the portal:
          create_userhome USER, update_quota UID SOFT HARD, screenshot USER

        'maxwell WORD --help' tells more. sessions, why, hosts, apps, counters and ticket take --json.
        The exit status is one of sysexits(3); a failure is one sentence on standard error.

        """

    /// The text about one word; nil when there is none, or its own program tells it.
    static func of(_ word: String) -> String? { texts[word] }

    private static let texts: [String: String] = [
        "start": """
        maxwell start user=U app=A [ip=ADDRESS] [version=V] [params=TEXT] [zone=Z]

        Starts application A for U and prints 'Session is N'. ADDRESS is the user's browser's, kept for the
        records. TEXT is percent-encoded and reaches the application as a file, at most 64 KiB. Z asks for a host
        of that zone.

        """,
        "view": """
        maxwell view N
        maxwell view user=U ip=ADDRESS sess=N [readonly=1]

        Prints what a viewer needs to see session N as one JSON object: where to connect, the token for this view
        and the display's password. With readonly=1 the view can only watch.

        """,
        "stop": """
        maxwell stop N

        Ends session N: its application, its display and everyone's views.

        """,
        "check": """
        maxwell check HOST [yes]

        Tries HOST and prints one line for each finding. With 'yes' a good host is put to use.

        """,
        "create_userhome": """
        maxwell create_userhome USER

        Makes USER's home directory where there is none.

        """,
        "update_quota": """
        maxwell update_quota UID SOFT HARD

        Sets the disk limits of the user with that number, in blocks.

        """,
        "screenshot": """
        maxwell screenshot USER

        Writes a picture of each of USER's sessions into the session's directory.

        """,
        "sessions": """
        maxwell sessions [user=U] [--json]

        Lists sessions: all of them for an administrator, otherwise the caller's own. One that failed stays for a day.

        """,
        "why": """
        maxwell why N [--json]

        Tells what is known of session N: where it is in its life, what its start tried and where, why it ended or
        failed, and the end of what its application printed. Of the caller's own sessions, or any for an administrator.

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
        maxwell host drain NAME            the same, and end its ready displays

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
