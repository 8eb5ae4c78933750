/// The text of a small run, as it is printed.
let goldenText = """
      gateway  gateway.example.org
      run      8 synthetic sessions, 10/s, with 8 viewers; the run took 10.8 s.
      began    2026-11-21 21:40 UTC, Maxwell 0.1.0, seed 1

      REQUIRED         MEASURED
      failures=0              0  met
      start.p99<=10ms   61.5 ms  MISSED

      LATENCY                            p50      p90      p99      max  count
      Start of a session             19.1 ms  61.5 ms  61.5 ms  61.5 ms      8
      First picture since the start  99.5 ms   152 ms   152 ms   152 ms      7
      Key press to changed picture   16.2 ms  42.2 ms  44.7 ms  44.7 ms     20
      Opening of a viewer             9.7 ms  16.2 ms  16.2 ms  16.2 ms      7
      Stop of a session              20.2 ms  30.7 ms  30.7 ms  30.7 ms      8

      sessions  8 started, 0 failed, 8 stopped; at most 8 at a time
      starts    10.7/s, 8 in the best second; the last answer came after 746 ms
      viewers   7 of 7 had a picture, at most 7 at a time; 0 came back; 1 of 1 hostile turned away
      pictures  139 updates, 2 a second for each viewer; 2.3 MB
      database  12.3 statements for each start, all of the run's counted

      PART        CPU mean   most  each session  memory first      last      most  each session  descriptors
      controller     0.3 %  2.8 %        3.5 ms      20.5 MiB  20.5 MiB  20.6 MiB         5 KiB       34, 34
      database       0.2 %  2.1 %        2.6 ms      95.7 MiB  95.7 MiB  95.7 MiB         1 KiB       60, 60
      relay          5.7 %   12 %       71.3 ms      13.7 MiB    14 MiB    14 MiB        37 KiB       26, 38

      HOST   sessions  ready first  least  memory left first      least       last  each session  load
      exec1         4            8      4          10.74 GiB  10.74 GiB  10.74 GiB       1.3 MiB  0.41
      exec2         4            8      8          10.64 GiB  10.64 GiB  10.64 GiB         1 MiB  0.31

      ledger       7 views, 7 rows: they agree
      left behind  nothing

      The displays were synthetic: true RFB with moving pictures, served by one small process on each host.
      Not exercised: Xvnc, containers, namespaces and mounts, cgroups and limits, users' homes, the hand-over \
    to a waiting display, the applications, and the memory and processor time that all of them take on hosts.
      Exercised as always: the control socket or the command, the controller, the database, the channel to each \
    host's agent, the data link, the relay with TLS, and the accounts of sessions and views.

    maxwell stress: 8 of 8 sessions started at 10.7/s, start p99 61.5 ms, picture p99 152 ms, 0 failures, the \
    ledger agrees, nothing left; 1 of 2 requirements missed.

    """
