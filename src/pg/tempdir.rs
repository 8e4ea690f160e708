//! Private directories among the server's temporary files.
//!
//! They are named like the server's own temporary directories, so that the server removes at its start what a crash has
//! left, and base backups leave them out. A directory is removed when its guard is dropped, or when the backend exits
//! if it ends without unwinding.

use std::ffi::{CStr, CString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

use pgrx::{pg_guard, pg_sys};

/// Directories that have not been removed.
static LIVE: Mutex<Vec<PathBuf>> = Mutex::new(vec![]);

/// A directory of this backend. The code that gets the path creates it.
pub struct TempDir(PathBuf);

impl TempDir {
    /// Chooses a path in the next of `temp_tablespaces`. Backend thread, inside a transaction.
    pub fn choose() -> TempDir {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        static REGISTERED_IN: AtomicU32 = AtomicU32::new(0);
        // Once per backend, as in `thread`.
        if REGISTERED_IN.swap(std::process::id(), Ordering::Relaxed) != std::process::id() {
            // SAFETY: the callback is a static function and takes no argument. It runs after those of
            // `before_shmem_exit`: the helper thread is gone by then.
            unsafe { pg_sys::on_proc_exit(Some(remove_all), pg_sys::Datum::from(0)) };
        }
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        // The server removes files whose names begin with PG_TEMP_FILE_PREFIX.
        let path = parent().join(format!("pgsql_tmp{}.sqlite.{number}", std::process::id()));
        live().push(path.clone());
        TempDir(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
        live().retain(|path| *path != self.0);
    }
}

fn live() -> std::sync::MutexGuard<'static, Vec<PathBuf>> {
    LIVE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The largest size of the session's temporary files in bytes; `None` without a limit.
pub fn limit() -> Option<u64> {
    // SAFETY: a setting, in kilobytes; only the backend's thread changes it.
    let kilobytes = unsafe { pg_sys::temp_file_limit };
    u64::try_from(kilobytes).ok().map(|kilobytes| kilobytes * 1024)
}

/// As `OpenTemporaryFile` chooses it; created if it is missing.
fn parent() -> PathBuf {
    let mut buffer = [0 as std::ffi::c_char; pg_sys::MAXPGPATH as usize];
    // SAFETY: inside a transaction; the buffer has the length that TempTablespacePath writes to at most, and is
    // terminated by it. DataDir is set as long as the server runs.
    let (parent, data) = unsafe {
        pg_sys::PrepareTempTablespaces();
        let mut tablespace = pg_sys::GetNextTempTableSpace();
        if tablespace == pg_sys::InvalidOid {
            tablespace = pg_sys::MyDatabaseTableSpace;
        }
        pg_sys::TempTablespacePath(buffer.as_mut_ptr(), tablespace);
        (CStr::from_ptr(buffer.as_ptr()), CStr::from_ptr(pg_sys::DataDir))
    };
    let bytes = |text: &CStr| PathBuf::from(std::ffi::OsString::from_vec(text.to_bytes().to_vec()));
    let path = bytes(data).join(bytes(parent));
    if let Ok(name) = CString::new(path.as_os_str().as_bytes()) {
        // SAFETY: a terminated path. It fails if the directory exists; any other failure shows when the directory is
        // used.
        unsafe { pg_sys::MakePGDirectory(name.as_ptr()) };
    }
    path
}

#[pg_guard]
unsafe extern "C-unwind" fn remove_all(_code: i32, _arg: pg_sys::Datum) {
    for path in live().drain(..) {
        let _ = std::fs::remove_dir_all(path);
    }
}
