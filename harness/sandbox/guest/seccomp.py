"""System-call filters: an allow-list for the zygote, and a second one that each child adds.

A filter is a list of classic BPF instructions over ``struct seccomp_data``. Every block that tests
a call's arguments ends in a return, so blocks are independent of each other.
"""

from __future__ import annotations

import ctypes
import errno
import platform
import struct
from collections.abc import Iterable

from harness.sandbox.guest.syscalls import AUDIT_ARCH, NUMBERS

ALLOW = 0x7FFF0000
KILL = 0x80000000
_ERRNO = 0x00050000

_LOAD = 0x20  # BPF_LD | BPF_W | BPF_ABS
_JEQ = 0x15
_JGE = 0x35
_JSET = 0x45
_RET = 0x06

# Calls that computing needs and that reach nothing outside the process, and some that only the
# zygote needs and that children lose again.
ALLOWED = """
read write readv writev pread64 pwrite64 lseek close close_range fstat newfstatat stat lstat statx
mmap mprotect munmap mremap brk madvise futex rt_sigaction rt_sigprocmask rt_sigreturn rt_sigpending
rt_sigtimedwait rt_sigsuspend sigaltstack access faccessat faccessat2 pipe pipe2 select pselect6
poll ppoll sched_yield dup dup2 dup3 nanosleep clock_nanosleep getpid gettid getppid getuid geteuid
getgid getegid getgroups getresuid getresgid getpgrp getpgid getsid getpriority shutdown getsockopt
getsockname getcwd chdir readlink readlinkat getdents64 umask gettimeofday getrusage times sysinfo
uname getrlimit setrlimit sched_getaffinity set_tid_address set_robust_list arch_prctl rseq
membarrier exit exit_group clock_gettime clock_getres time getrandom epoll_create1 epoll_ctl
epoll_wait epoll_pwait eventfd2 setitimer getitimer alarm pause restart_syscall wait4 waitid
sendto recvfrom sendmsg recvmsg kill pidfd_open pidfd_send_signal prctl prlimit64 seccomp
landlock_restrict_self clone
""".split()

# Nothing that computes makes these calls: whoever does is after the kernel or another process.
VIOLATIONS = """
ptrace process_vm_readv process_vm_writev bpf io_uring_setup io_uring_enter io_uring_register mount
umount2 pivot_root move_mount open_tree fsopen fsmount fsconfig fspick mount_setattr unshare setns
chroot keyctl add_key request_key userfaultfd perf_event_open init_module finit_module delete_module
kexec_load kexec_file_load reboot swapon swapoff acct open_by_handle_at name_to_handle_at iopl
ioperm modify_ldt
""".split()

LOST_BY_CHILDREN = """
kill tkill tgkill pidfd_open pidfd_send_signal pidfd_getfd prctl setrlimit seccomp recvmsg sendmsg
landlock_create_ruleset landlock_add_rule landlock_restrict_self
""".split()

# What makes and removes files; Landlock says where.
MAKES_FILES = """
mkdir mkdirat rmdir unlink unlinkat rename renameat renameat2 truncate ftruncate symlink symlinkat
fsync fdatasync flock
""".split()

_WRITING = 0o3 | 0o100 | 0o1000 | 0o2000  # access mode, O_CREAT, O_TRUNC, O_APPEND
_FCNTL = (0, 1, 2, 3, 4, 1030)  # duplicate and flags; never F_SETOWN or F_SETSIG
_IOCTL = (0x5401, 0x5451, 0x5450, 0x541B, 0x5421)  # TCGETS FIOCLEX FIONCLEX FIONREAD FIONBIO
_CLONE_THREAD = 0x10000
_AF_UNIX = 1

_LIBC = ctypes.CDLL(None, use_errno=True)

Instruction = tuple[int, int, int, int]


def available() -> bool:
    """Tell whether there is a table of system calls for this machine."""
    return platform.system() == "Linux" and platform.machine() in NUMBERS


def zygote_filter(makes_files: bool = False) -> bytes:
    """Return the allow-list: EPERM for what is not on it, death for ``VIOLATIONS``."""
    numbers = NUMBERS[platform.machine()]
    program = _head()
    for name in [*ALLOWED, *(MAKES_FILES if makes_files else ())]:
        program += _rule(numbers.get(name), [_ret(ALLOW)])
    refused = 0 if makes_files else _WRITING
    program += _rule(numbers["openat"], _unless_set(2, refused))
    program += _rule(numbers.get("open"), _unless_set(1, refused))
    program += _rule(numbers["fcntl"], _one_of(1, _FCNTL))
    program += _rule(numbers["ioctl"], _one_of(1, _IOCTL))
    program += _rule(numbers["socketpair"], _one_of(0, (_AF_UNIX,)))
    program += _rule(numbers["clone3"], [_ret(_ERRNO | errno.ENOSYS)])
    for name in VIOLATIONS:
        program += _rule(numbers.get(name), [_ret(KILL)])
    return _pack([*program, _ret(_ERRNO | errno.EPERM)])


def child_filter() -> bytes:
    """Return what a child adds: no processes, no signals, no limits, no messages with rights."""
    numbers = NUMBERS[platform.machine()]
    program = _head()
    program += _rule(
        numbers["clone"],
        [_load(16), (_JSET, 0, 1, _CLONE_THREAD), _ret(ALLOW), _ret(_ERRNO | errno.EPERM)],
    )
    # Only prlimit64(0, resource, NULL, old), which reads the process's own limits.
    program += _rule(
        numbers["prlimit64"],
        [
            *(step for part in (16, 32, 36) for step in (_load(part), (_JEQ, 1, 0, 0), _eperm())),
            _ret(ALLOW),
        ],
    )
    for name in LOST_BY_CHILDREN:
        program += _rule(numbers.get(name), [_eperm()])
    return _pack([*program, _ret(ALLOW)])


def install(program: ctypes.Array[ctypes.c_char], length: int) -> None:
    """Install a filter of so many instructions on this process; needs no_new_privs.

    Raises:
        OSError: The kernel refused.
    """
    fprog = _FilterProgram(length, ctypes.addressof(program))
    number = NUMBERS[platform.machine()]["seccomp"]
    if _LIBC.syscall(number, 1, 0, ctypes.byref(fprog)) != 0:
        raise OSError(ctypes.get_errno(), "seccomp")


def prepare(packed: bytes) -> tuple[ctypes.Array[ctypes.c_char], int]:
    """Return the arguments of ``install`` for packed instructions."""
    return ctypes.create_string_buffer(packed, len(packed)), len(packed) // 8


class _FilterProgram(ctypes.Structure):
    _fields_ = (("len", ctypes.c_ushort), ("filter", ctypes.c_void_p))


def _head() -> list[Instruction]:
    """Kill other architectures (int 0x80 and x32 would have other numbers); load the number."""
    machine = platform.machine()
    head = [_load(4), (_JEQ, 1, 0, AUDIT_ARCH[machine]), _ret(KILL), _load(0)]
    if machine == "x86_64":
        head += [(_JGE, 0, 1, 0x40000000), _ret(KILL)]
    return head


def _rule(number: int | None, body: list[Instruction]) -> list[Instruction]:
    return [] if number is None else [(_JEQ, 0, len(body), number), *body]


def _unless_set(argument: int, bits: int) -> list[Instruction]:
    return [_load(16 + 8 * argument), (_JSET, 0, 1, bits), _eperm(), _ret(ALLOW)]


def _one_of(argument: int, values: Iterable[int]) -> list[Instruction]:
    body = [_load(16 + 8 * argument)]
    for value in values:
        body += [(_JEQ, 0, 1, value), _ret(ALLOW)]
    return [*body, _eperm()]


def _load(offset: int) -> Instruction:
    return (_LOAD, 0, 0, offset)


def _ret(action: int) -> Instruction:
    return (_RET, 0, 0, action)


def _eperm() -> Instruction:
    return _ret(_ERRNO | errno.EPERM)


def _pack(program: list[Instruction]) -> bytes:
    return b"".join(struct.pack("<HBBI", *instruction) for instruction in program)
