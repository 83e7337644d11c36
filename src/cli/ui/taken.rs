//! Whether the reader of a pipe has taken everything: a write succeeds as soon as the pipe has room, and what is
//! still in it when the reader goes away is lost.

use std::io;

/// How often the pipe is looked at, in milliseconds.
#[cfg(unix)]
const LOOK: u32 = 10;

/// Waits until everything in a pipe was read. Anything that is no pipe has taken what was written.
///
/// # Errors
/// `BrokenPipe` when the reader went away before.
#[cfg(unix)]
pub(crate) fn wait_until_taken(pipe: impl std::os::fd::AsFd) -> io::Result<()> {
    use std::os::unix::fs::FileTypeExt;

    use rustix::event::{PollFd, PollFlags, Timespec, poll};

    let pipe = pipe.as_fd();
    if !std::fs::File::from(pipe.try_clone_to_owned()?).metadata()?.file_type().is_fifo() {
        return Ok(());
    }
    // Asked for nothing, poll reports errors only: that the reader is gone.
    let pause = Timespec { tv_sec: 0, tv_nsec: i64::from(LOOK) * 1_000_000 };
    loop {
        let mut fds = [PollFd::new(&pipe, PollFlags::empty())];
        let gone = match poll(&mut fds, Some(&pause)) {
            Ok(_) => fds[0].revents().intersects(PollFlags::ERR | PollFlags::NVAL),
            Err(rustix::io::Errno::INTR) => false,
            Err(error) => return Err(error.into()),
        };
        // In this order: the reader may have gone once it had read all.
        if rustix::io::ioctl_fionread(pipe)? == 0 {
            return Ok(());
        }
        if gone {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
    }
}

/// Elsewhere a write says all that is known.
///
/// # Errors
/// None.
#[cfg(not(unix))]
pub fn wait_until_taken<T>(_: T) -> io::Result<()> {
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use std::io::{Read, Write};

    use super::*;

    #[test]
    fn what_is_left_in_a_pipe_was_not_taken() {
        let (mut reader, mut writer) = io::pipe().unwrap();
        writer.write_all(b"all").unwrap();
        reader.read_exact(&mut [0; 3]).unwrap();
        wait_until_taken(&writer).unwrap();
        writer.write_all(b"more").unwrap();
        reader.read_exact(&mut [0; 3]).unwrap();
        drop(reader);
        assert_eq!(wait_until_taken(&writer).unwrap_err().kind(), io::ErrorKind::BrokenPipe);
        wait_until_taken(tempfile::tempfile().unwrap()).unwrap();
    }
}
