//! What a process in a jail can do, tried: each attempt in a process of its own, which is this very
//! program, started again.
#![allow(unsafe_code)]

use std::io::{self, Read, Write};
use std::net::TcpListener;
use std::os::fd::RawFd;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::{env, mem, ptr};

use libc::{c_int, c_long};

use super::calls::{self, Purpose};
use super::filter::Program;
use super::{Clerk, Inmate, Jail, Layer, Notice, Patience, exit, filter, landlock};

/// What the started process is to do.
const ROLE: &str = "AMPOULE_TEST_ROLE";
/// And a number for that.
const NUMBER: &str = "AMPOULE_TEST_NUMBER";

/// Its STDIN stands for the virtual processor.
const PROCESSOR: RawFd = 0;

const ALL: [Purpose; 3] = [Purpose::Leaving, Purpose::Measuring, Purpose::Clerk];

/// One past the greatest number of a system call that is tried.
const NUMBERS: c_long = 512;

/// `uretprobe` and `uprobe`, which no filter is asked about: the kernel has them made by code of its
/// own, and kills whoever makes them elsewhere (`SIGILL`).
const PROBES: [c_long; 2] = [335, 336];

type Attempt = (&'static str, c_long, [c_long; 6]);

/// An attempt of each kind; what is not named here is tried with arguments of nothing by the sweep.
fn attempts() -> Vec<Attempt> {
    let path = c"/etc/passwd".as_ptr() as c_long;
    let here = libc::AT_FDCWD.into();
    let (private, anonymous) = (libc::MAP_PRIVATE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
    let read_write = libc::PROT_READ | libc::PROT_WRITE;
    let map = |protection: c_int, flags: c_int, file: c_int| {
        [0, 4096, protection.into(), flags.into(), file.into(), 0]
    };
    let first = |values: &[c_long]| {
        let mut all = [0; 6];
        all[..values.len()].copy_from_slice(values);
        all
    };
    let fork = c_long::from(libc::SIGCHLD);
    let thread = c_long::from(libc::CLONE_VM | libc::CLONE_THREAD | libc::CLONE_SIGHAND);
    let kvm_run = 0xae80;
    vec![
        ("open", libc::SYS_open, first(&[path])),
        ("openat", libc::SYS_openat, first(&[here, path])),
        ("socket", libc::SYS_socket, first(&[libc::AF_INET.into(), libc::SOCK_STREAM.into()])),
        ("connect", libc::SYS_connect, first(&[1])),
        ("execve", libc::SYS_execve, first(&[path])),
        ("fork", libc::SYS_fork, first(&[])),
        ("clone, a process", libc::SYS_clone, first(&[fork])),
        ("clone, a thread", libc::SYS_clone, first(&[thread])),
        ("clone3", libc::SYS_clone3, first(&[])),
        ("ptrace", libc::SYS_ptrace, first(&[libc::PTRACE_ATTACH.into(), 1])),
        ("kill", libc::SYS_kill, first(&[1, 0])),
        ("mprotect", libc::SYS_mprotect, first(&[])),
        ("mmap, executable", libc::SYS_mmap, map(libc::PROT_EXEC | read_write, anonymous, -1)),
        ("mmap, a file", libc::SYS_mmap, map(read_write, private, 0)),
        ("mmap, in a place", libc::SYS_mmap, map(read_write, anonymous | libc::MAP_FIXED, -1)),
        ("mremap, elsewhere", libc::SYS_mremap, first(&[0, 0, 0, libc::MREMAP_MAYMOVE.into()])),
        ("ioctl, another", libc::SYS_ioctl, first(&[PROCESSOR.into(), 0xae01])),
        ("ioctl, elsewhere", libc::SYS_ioctl, first(&[1, kvm_run])),
        ("read by the x32 ABI", 0x4000_0000 | libc::SYS_read, first(&[])),
    ]
}

/// Starts this program in a role; how it ended.
fn start(role: &str, number: usize) -> ExitStatus {
    let mut command = Command::new(env::current_exe().expect("this program"));
    command.args(["--exact", "jail::tests::started", "--ignored", "--nocapture"]);
    command.args(["--test-threads", "1"]).env(ROLE, role).env(NUMBER, number.to_string());
    command.stdin(Stdio::null()).stdout(Stdio::null());
    command.status().expect("it starts")
}

#[test]
#[ignore = "the process that other tests start"]
fn started() {
    let number = env::var(NUMBER).expect("a number").parse().expect("a number");
    match &*env::var(ROLE).expect("a role") {
        "attempt" => attempt(number),
        "legacy" => legacy(),
        "allowed" => allowed(),
        "sweep" => sweep(),
        "landlock" => landlock_alone(),
        "clerk" => clerk(),
        other => panic!("no role {other}"),
    }
}

fn enter(purposes: &[Purpose]) {
    let inmate = Inmate { processor: PROCESSOR, kept: Vec::new(), purposes: purposes.to_vec() };
    let layers = Jail::whole().enter(&inmate).expect("every layer").expect("a jail");
    assert!(layers.no_new_privs && layers.limits && layers.landlock_abi > 0 && layers.seccomp);
}

fn call(number: c_long, [a, b, c, d, e, f]: [c_long; 6]) -> c_long {
    // SAFETY: what these tests pass names no memory but constants, and what would take memory away
    // is not allowed.
    unsafe { libc::syscall(number, a, b, c, d, e, f) }
}

fn has_jail() -> bool {
    let lacking = super::lacking();
    lacking.iter().for_each(|layer| eprintln!("skipped: what a jail forbids: {layer}"));
    lacking.is_empty()
}

#[test]
fn each_attempt_kills() {
    if !has_jail() {
        return;
    }
    for (number, (what, ..)) in attempts().iter().enumerate() {
        assert_eq!(start("attempt", number).signal(), Some(libc::SIGSYS), "{what}");
    }
}

fn attempt(number: usize) {
    let (_, system_call, arguments) = attempts()[number];
    enter(&ALL);
    call(system_call, arguments);
    exit(0);
}

/// `int 0x80` numbers system calls in another way, by which 4 would be `stat`, and is `write`. Where
/// the kernel does not have it, it is no way in either.
#[test]
fn the_way_into_the_kernel_of_32_bits_is_closed() {
    if !has_jail() {
        return;
    }
    let signal = start("legacy", 0).signal();
    assert!(matches!(signal, Some(libc::SIGSYS | libc::SIGSEGV)), "{signal:?}");
}

fn legacy() {
    enter(&[]);
    // SAFETY: it clobbers what is named, and the kernel does not return from it.
    unsafe { std::arch::asm!("int 0x80", inlateout("rax") 4_i64 => _) };
    exit(0);
}

#[test]
fn what_is_allowed_works() {
    if !has_jail() {
        return;
    }
    assert_eq!(start("allowed", 0).code(), Some(0));
}

fn allowed() {
    let mut ends = io::pipe().expect("a pipe");
    // Under the numbers that stay open.
    rustix::stdio::dup2_stdin(&ends.0).expect("copied");
    rustix::stdio::dup2_stdout(&ends.1).expect("copied");
    enter(&[]);
    let (read, write) = (libc::SYS_read, libc::SYS_write);
    let mut byte = [b'x'];
    let place = byte.as_mut_ptr() as c_long;
    let mut works = call(write, [1, place, 1, 0, 0, 0]) == 1;
    works &= call(read, [0, place, 1, 0, 0, 0]) == 1;
    let (read_write, flags) =
        (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
    let memory = call(libc::SYS_mmap, [0, 8192, read_write.into(), flags.into(), -1, 0]);
    works &= memory > 0 && call(libc::SYS_mremap, [memory, 8192, 4096, 0, 0, 0]) == memory;
    works &= call(libc::SYS_munmap, [memory, 4096, 0, 0, 0, 0]) == 0;
    let mut time = [0i64; 2];
    let place = time.as_mut_ptr() as c_long;
    works &= call(libc::SYS_clock_gettime, [libc::CLOCK_MONOTONIC.into(), place, 0, 0, 0, 0]) == 0;
    // Nothing is open but what is in use.
    works &= ends.1.write(b"x").is_err() && ends.0.read(&mut byte).is_err();
    exit(u8::from(!works))
}

thread_local! {
    /// The number that the handler was last told of in this thread: the test's own, which waits for
    /// it, is caught in what it does as well.
    static TRAPPED: AtomicU32 = const { AtomicU32::new(u32::MAX) };
}

#[test]
fn no_other_system_call_is_allowed() {
    if !has_jail() {
        return;
    }
    let status = start("sweep", 0);
    assert_eq!((status.code(), status.signal()), (Some(0), None));
}

/// With a filter that sends a signal in place of killing, one process tries them all.
fn sweep() {
    let allowed = calls::allowed(&ALL, &[]);
    catch();
    Program::new(&allowed, PROCESSOR, libc::SECCOMP_RET_TRAP).install().expect("installed");
    for number in 0..NUMBERS {
        let checked = allowed.iter().find(|call| call.number == number);
        // What is allowed whatever its arguments is not tried: it would do something.
        if checked.is_some_and(|call| call.checks.is_empty()) || PROBES.contains(&number) {
            continue;
        }
        TRAPPED.with(|trapped| trapped.store(u32::MAX, Ordering::SeqCst));
        call(number, [0x7fff; 6]);
        if TRAPPED.with(|trapped| trapped.load(Ordering::SeqCst)) != number as u32 {
            eprintln!("system call {number} is not caught");
            exit(1);
        }
    }
    exit(0);
}

/// Has the handler of `SIGSYS` take note.
fn catch() {
    extern "C" fn note(_: c_int, information: *mut libc::siginfo_t, _: *mut libc::c_void) {
        /// `siginfo_t` of this signal (Linux `uapi/asm-generic/siginfo.h`).
        #[repr(C)]
        struct Information {
            numbers: [c_int; 4],
            address: *mut libc::c_void,
            system_call: c_int,
        }
        // SAFETY: the kernel passes a valid `siginfo_t`, which is larger than what is read of it.
        let information = unsafe { ptr::read(information.cast::<Information>()) };
        let number = information.system_call as u32;
        TRAPPED.with(|trapped| trapped.store(number, Ordering::SeqCst));
    }
    // SAFETY: all zero is a value of this structure.
    let mut action: libc::sigaction = unsafe { mem::zeroed() };
    action.sa_sigaction = note as *const () as usize;
    action.sa_flags = libc::SA_SIGINFO;
    // SAFETY: the structure is valid, and its handler makes an atomic store alone.
    let done = unsafe { libc::sigaction(libc::SIGSYS, &raw const action, ptr::null_mut()) };
    assert_eq!(done, 0);
}

#[test]
fn landlock_alone_forbids_files_and_tcp() {
    match landlock::version() {
        Ok(_) => assert_eq!(start("landlock", 0).code(), Some(0)),
        Err(why) => eprintln!("skipped: what Landlock forbids: {why}"),
    }
}

fn landlock_alone() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address");
    let program = env::current_exe().expect("this program");
    rustix::thread::set_no_new_privs(true).expect("set");
    let knows_tcp = landlock::forbid_all().expect("a ruleset") >= 4;
    let refused = |error: io::Error| error.kind() == io::ErrorKind::PermissionDenied;
    let mut holds = std::fs::File::open("/etc/passwd").is_err_and(refused);
    holds &= std::fs::read_dir("/").is_err_and(refused);
    holds &= std::fs::write(env::temp_dir().join("ampoule-jail"), "").is_err_and(refused);
    holds &= Command::new(program).spawn().is_err_and(refused);
    if knows_tcp {
        holds &= std::net::TcpStream::connect(port).is_err_and(refused);
        holds &= TcpListener::bind("127.0.0.1:0").is_err_and(refused);
    }
    exit(u8::from(!holds))
}

#[test]
fn at_most_fifteen_system_calls_are_allowed_for_a_call_that_is_not_measured() {
    assert_eq!(calls::allowed(&[Purpose::Leaving], &[]).len(), 15);
    assert_eq!(calls::allowed(&ALL, &[]).len(), calls::LIST.len());
    let without = calls::allowed(&ALL, &["read".to_owned()]);
    assert_eq!(without.len() + 1, calls::LIST.len());
    assert!(without.iter().all(|call| call.number != libc::SYS_read));
}

#[test]
fn a_filter_is_short() {
    let program = Program::new(&calls::LIST, 1 << 20, filter::KILL);
    assert!(program.length() < 64, "{}", program.length());
}

#[test]
fn a_clerk_writes_what_it_is_sent_and_tells_what_went_wrong() {
    // A clerk is forked from one thread, so from a process of its own.
    assert_eq!(start("clerk", 0).code(), Some(0));
}

fn clerk() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = folder.path().join("written");
    let bytes = vec![b'x'; 1 << 20];
    let hire =
        || Clerk::hire(Patience::Whole, |bytes| std::fs::write(&place, bytes)).expect("a process");
    // One that is not sent anything leaves nothing.
    drop(hire());
    hire().write(&bytes).expect("written");
    assert!(std::fs::read(&place).expect("a file") == bytes);
    std::fs::remove_file(&place).expect("removed");
    let too_many = hire().write(&vec![b'x'; 5 << 20]).expect_err("more than it takes");
    assert!(!place.exists(), "{too_many}");
    let missing =
        Clerk::hire(Patience::Sender, |_| std::fs::write("/nowhere/file", "")).expect("a process");
    let error = missing.write(b"x").expect_err("no such folder");
    assert_eq!(error.kind(), io::ErrorKind::NotFound);
    drop(folder);
    exit(0)
}

#[test]
fn a_layer_that_is_there_and_cannot_be_had_ends_the_call() {
    let told = std::sync::Arc::new(AtomicU32::new(0));
    let counter = told.clone();
    let jail = Jail::possible(Notice::new(move |_| {
        counter.fetch_add(1, Ordering::Relaxed);
    }));
    let settle =
        |number| jail.settle::<()>(Layer::Landlock, Err(io::Error::from_raw_os_error(number)));
    for number in [libc::EMFILE, libc::ENFILE, libc::ENOMEM] {
        let error = settle(number).expect_err("this kernel has it");
        assert!(error.consequence().contains("ulimit -n"), "{error}");
    }
    assert_eq!(told.load(Ordering::Relaxed), 0);
    for number in [libc::ENOSYS, libc::EOPNOTSUPP, libc::EPERM] {
        assert_eq!(settle(number).expect("it is told"), None);
    }
    assert_eq!(told.load(Ordering::Relaxed), 3);
    let whole =
        Jail::whole().settle::<()>(Layer::Seccomp, Err(io::Error::from_raw_os_error(libc::ENOSYS)));
    assert!(whole.expect_err("all was asked for").consequence().contains("--require-jail"));
}
