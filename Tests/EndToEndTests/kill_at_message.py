"""Kills a process at its N-th outgoing message, whichever of its threads sends it, before the message is sent.

usage: kill_at_message.py PID N

Prints "attached" when it counts, "killed" when it has killed. On SIGTERM it lets the process go on and prints how many
messages it saw. What goes to standard output, standard error and descriptors that wake threads is no message.
(ptrace(2): PTRACE_SEIZE, PTRACE_GET_SYSCALL_INFO.)
"""

import ctypes
import os
import signal
import struct
import sys

SEIZE, INTERRUPT, SYSCALL, SYSCALL_INFO = 0x4206, 0x4207, 24, 0x420E
TRACE_SYSGOOD, TRACE_CLONE = 0x01, 0x08
EVENT_STOP = 128
WALL = 0x40000000
# write, writev, sendto, sendmsg, sendmmsg, by the audit number of the machine's kind.
SENDING = {0xC000003E: {1, 20, 44, 46, 307}, 0xC00000B7: {64, 66, 206, 211, 269}}

libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
libc.ptrace.restype = ctypes.c_long


def ptrace(request, thread, address, data):
    """False when the thread has ended meanwhile."""
    if libc.ptrace(request, thread, address, data) >= 0:
        return True
    if ctypes.get_errno() == 3:
        return False
    raise OSError(ctypes.get_errno(), "ptrace %#x" % request)


def seize(process):
    """Takes every thread there is; those that come later are taken by the kernel."""
    seized = set()
    while True:
        threads = {int(name) for name in os.listdir(f"/proc/{process}/task")} - seized
        if not threads:
            return
        for thread in threads:
            seized.add(thread)
            try:
                if ptrace(SEIZE, thread, None, TRACE_SYSGOOD | TRACE_CLONE):
                    ptrace(INTERRUPT, thread, None, None)
            except OSError:
                # The kernel has taken it as the child of one that was.
                if not os.path.exists(f"/proc/{process}/task/{thread}"):
                    continue


def is_message(process, thread):
    """Whether the system call that a thread enters sends something to somebody else."""
    info = ctypes.create_string_buffer(88)
    if not ptrace(SYSCALL_INFO, thread, ctypes.c_void_p(len(info)), info):
        return False
    kind, arch, _, _, number, descriptor = struct.unpack_from("=B3xIQQQQ", info)
    if kind != 1 or number not in SENDING[arch] or descriptor in (1, 2):
        return False
    try:
        return not os.readlink(f"/proc/{process}/fd/{descriptor}").startswith("anon_inode:")
    except OSError:
        return False


class LetGo(Exception):
    pass


def let_go(*_):
    raise LetGo


def main():
    process, last = int(sys.argv[1]), int(sys.argv[2])
    signal.signal(signal.SIGTERM, let_go)
    seen = 0
    try:
        seize(process)
        print("attached", flush=True)
        while True:
            try:
                thread, status = os.waitpid(-1, WALL)
            except ChildProcessError:
                print("ended by itself", flush=True)
                return
            if not os.WIFSTOPPED(status):
                continue
            stop, event = os.WSTOPSIG(status), status >> 16
            delivered = 0
            if stop == signal.SIGTRAP | 0x80:
                if is_message(process, thread):
                    seen += 1
                    if seen == last:
                        os.kill(process, signal.SIGKILL)
                        print("killed", flush=True)
                        return
            elif event == 0:
                delivered = stop
            ptrace(SYSCALL, thread, None, delivered)
    except LetGo:
        # The kernel lets the threads go on when their tracer ends.
        print(f"let go after {seen}", flush=True)


main()
