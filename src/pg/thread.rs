//! One helper thread at a time, in addition to the backend's own, and those that it starts itself.
//!
//! The thread calls nothing of the server and has every signal blocked, so that the server's handlers run on the
//! backend's thread alone. The backend waits in short steps and serves interrupts. Whether the backend leaves by
//! result, ERROR or FATAL, it stops the thread and waits for its end before the thread's borrows end.

use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, Scope, ScopedJoinHandle, scope};
use std::time::{Duration, Instant};

use pgrx::{pg_guard, pg_sys};

#[cfg(feature = "pg_test")]
use super::fault;
use super::{interrupts, memory};

/// How long the backend waits between checks for interrupts.
const TICK: Duration = Duration::from_millis(20);
/// How long one waits for what comes at once.
const SHORTLY: Duration = Duration::from_micros(20);
/// More than a thread's own data take, those of libraries included.
const THREAD_LOCAL_BYTES: usize = 64 << 10;
/// How long an exiting backend waits for its thread.
const FAREWELL: Duration = Duration::from_secs(10);

/// The helper thread's, as debuggers show it.
const NAME: &str = "sqlite";

static STOP: AtomicBool = AtomicBool::new(false);
static RUNNING: AtomicUsize = AtomicUsize::new(0);

/// Whether the helper thread must stop. Safe to call from any thread.
pub fn stopping() -> bool {
    STOP.load(Ordering::Relaxed)
}

/// This is the helper thread: one that it starts has every signal blocked, as it has itself.
pub fn is_helper() -> bool {
    std::thread::current().name() == Some(NAME)
}

/// Makes the helper thread stop; its job ends early.
pub fn stop() {
    STOP.store(true, Ordering::Relaxed);
}

/// Registers a callback that stops the thread when the backend exits by FATAL, which runs no Rust destructors. It is
/// registered once per backend, and not when the library is loaded: backends do not inherit callbacks from a postmaster
/// that preloads the library.
fn register_exit_hook() {
    static REGISTERED_IN: AtomicU32 = AtomicU32::new(0);
    if REGISTERED_IN.swap(std::process::id(), Ordering::Relaxed) != std::process::id() {
        // SAFETY: the callback is a static function and takes no argument.
        unsafe { pg_sys::before_shmem_exit(Some(stop_before_exit), pg_sys::Datum::from(0)) };
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn stop_before_exit(_code: i32, _arg: pg_sys::Datum) {
    STOP.store(true, Ordering::Relaxed);
    let start = Instant::now();
    while RUNNING.load(Ordering::Acquire) > 0 && start.elapsed() < FAREWELL {
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Stops the thread when the backend leaves, by result or ERROR.
struct StopOnDrop;

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        stop();
    }
}

/// Counts the thread as running until it has dropped its data.
struct Running;

impl Running {
    fn new() -> Running {
        RUNNING.fetch_add(1, Ordering::AcqRel);
        Running
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        RUNNING.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Passes messages to the backend's thread, or directly to the consumer if the job runs inline.
pub enum Outbox<'a, M> {
    Channel(Sender<M>),
    Inline(&'a mut dyn FnMut(M)),
}

impl<M> Outbox<'_, M> {
    /// What another thread reaches the same receiver by, where there is a channel.
    pub fn sender(&self) -> Option<Sender<M>> {
        match self {
            Outbox::Channel(sender) => Some(sender.clone()),
            Outbox::Inline(_) => None,
        }
    }

    /// `false` if the receiver has stopped.
    pub fn send(&mut self, message: M) -> bool {
        match self {
            Outbox::Channel(sender) => !stopping() && sender.send(message).is_ok(),
            Outbox::Inline(consume) => {
                consume(message);
                true
            }
        }
    }
}

/// Runs `job` on a helper thread while the backend serves interrupts.
pub fn run<T: Send>(job: impl FnOnce() -> T + Send) -> T {
    run_watched(job, || ())
}

/// The same; `tick` is called on the backend's thread some times a second while the job runs.
pub fn run_watched<T: Send>(job: impl FnOnce() -> T + Send, tick: impl FnMut()) -> T {
    run_ticking(|_: Outbox<'_, ()>| job(), |()| (), tick)
}

/// Runs `job` on a helper thread, and `meanwhile` on the backend's.
pub fn run_beside<T: Send, U>(job: impl FnOnce() -> T + Send, meanwhile: impl FnOnce() -> U) -> (T, U) {
    let (mut meanwhile, mut done) = (Some(meanwhile), None);
    let begun = |mut out: Outbox<'_, ()>| {
        // Nobody waits for the message if the backend has stopped.
        let _ = out.send(());
        job()
    };
    let answer = run_with(begun, |()| done = meanwhile.take().map(|meanwhile| meanwhile()));
    let done = done.or_else(|| meanwhile.take().map(|meanwhile| meanwhile()));
    (answer, done.unwrap_or_else(|| unreachable!("it was there until it was done")))
}

/// Runs `job` on a helper thread, and `consume` on the backend's thread for each message of the job. If no thread can
/// be created, or one is running already (an input function that reads a file itself), the job runs inline.
pub fn run_with<T, M, J>(job: J, consume: impl FnMut(M)) -> T
where
    T: Send,
    M: Send,
    J: FnOnce(Outbox<'_, M>) -> T + Send,
{
    run_ticking(job, consume, || ())
}

fn run_ticking<T, M, J>(job: J, mut consume: impl FnMut(M), mut tick: impl FnMut()) -> T
where
    T: Send,
    M: Send,
    J: FnOnce(Outbox<'_, M>) -> T + Send,
{
    if RUNNING.load(Ordering::Acquire) > 0 {
        return job(Outbox::Inline(&mut consume));
    }
    register_exit_hook();
    STOP.store(false, Ordering::Relaxed);
    let (job, result) = (Mutex::new(Some(job)), Mutex::new(None));
    let (messages, inbox) = channel();
    let begun = AtomicBool::new(false);
    scope(|scope| {
        let stop = StopOnDrop;
        let (job, result, running) = (&job, &result, Running::new());
        let body = move || {
            let _running = running;
            if let Some(job) = take(job) {
                put(result, job(Outbox::Channel(messages)));
            }
        };
        match with_signals_blocked(|| start(scope, &begun, body)) {
            Some(handle) => wait(&inbox, &mut consume, &mut tick, handle),
            None => {
                if let Some(job) = take(job) {
                    put(result, job(Outbox::Inline(&mut consume)));
                }
            }
        }
        drop(stop);
    });
    STOP.store(false, Ordering::Relaxed);
    // If the job did not finish it has panicked, and `wait` has resumed the panic.
    take(&result).unwrap_or_else(|| pgrx::error!("the reader thread ended without a result"))
}

/// Runs the jobs at once: `own` on this thread, which is the helper thread, each of the others on a thread of its own, as far
/// as there are threads; the rest are dropped. Where the helper's job runs inline, on the backend's thread, there are none: a
/// thread that it started would get the server's signals.
pub fn together(own: impl FnOnce(), others: Vec<impl FnOnce() + Send>) {
    if !is_helper() {
        return own();
    }
    let begun: Vec<AtomicBool> = others.iter().map(|_| AtomicBool::new(false)).collect();
    let all_begun = AtomicBool::new(false);
    scope(|scope| {
        // None works before all are there: what it takes of the memory a thread could lack to begin.
        let wait = || {
            while !all_begun.load(Ordering::Acquire) {
                std::thread::sleep(SHORTLY);
            }
        };
        let jobs = others.into_iter().zip(&begun);
        let threads: Vec<_> = jobs
            .map_while(|(job, begun)| {
                start(scope, begun, move || {
                    wait();
                    job();
                })
            })
            .collect();
        all_begun.store(true, Ordering::Release);
        own();
        for thread in threads {
            if let Err(panic) = thread.join() {
                resume_unwind(panic);
            }
        }
    });
}

/// Starts a thread, if there is memory for it, and waits until it has `begun`: the C library ends the process where a thread
/// that begins finds no memory for its thread-local data. So there has to be some, and nobody else may take it meanwhile.
fn start<'scope, 'env, T: Send + 'scope>(
    scope: &'scope Scope<'scope, 'env>,
    begun: &'env AtomicBool,
    body: impl FnOnce() -> T + Send + 'scope,
) -> Option<ScopedJoinHandle<'scope, T>> {
    let thread = Builder::new().name(NAME.into());
    #[cfg(feature = "pg_test")]
    let thread = fault::without_memory(thread);
    if !memory::system_has(THREAD_LOCAL_BYTES) {
        return None;
    }
    let spawned = thread.spawn_scoped(scope, || {
        begun.store(true, Ordering::Release);
        body()
    });
    let handle = spawned.ok()?;
    while !begun.load(Ordering::Acquire) {
        std::thread::sleep(SHORTLY);
    }
    Some(handle)
}

fn wait<M>(
    inbox: &Receiver<M>,
    consume: &mut impl FnMut(M),
    tick: &mut impl FnMut(),
    handle: ScopedJoinHandle<'_, ()>,
) {
    loop {
        match inbox.recv_timeout(TICK) {
            Ok(message) => consume(message),
            Err(RecvTimeoutError::Timeout) => tick(),
            Err(RecvTimeoutError::Disconnected) => break,
        }
        interrupts::check();
    }
    // The job has dropped its sender, but may still be in a long step.
    while !handle.is_finished() {
        std::thread::sleep(Duration::from_micros(50));
        interrupts::check();
    }
    if let Err(panic) = handle.join() {
        resume_unwind(panic);
    }
    // The thread also reacts to a cancel, and may have ended because of it: the server's error is the better one.
    interrupts::check();
}

/// What a mutex guards; a thread that has panicked with it left it whole, and its panic goes on elsewhere.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn take<T>(slot: &Mutex<Option<T>>) -> Option<T> {
    lock(slot).take()
}

fn put<T>(slot: &Mutex<Option<T>>, value: T) {
    *lock(slot) = Some(value);
}

/// Blocks every signal around `f`, so that a thread made in it inherits the mask.
fn with_signals_blocked<T>(f: impl FnOnce() -> T) -> T {
    let mut old = std::mem::MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: both sets are local; pthread_sigmask initialises `old`.
    unsafe {
        let mut all = std::mem::MaybeUninit::<libc::sigset_t>::uninit();
        libc::sigfillset(all.as_mut_ptr());
        libc::pthread_sigmask(libc::SIG_BLOCK, all.as_ptr(), old.as_mut_ptr());
    }
    let out = f();
    // SAFETY: `old` was filled above.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, old.as_ptr(), std::ptr::null_mut()) };
    out
}
