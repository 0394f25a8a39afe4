//! What a child says: frames of a length (four bytes, little endian) and JSON.

use std::io::{self, Write};

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt};

use crate::geometry::Page;
use crate::page::Refusal;

/// Longer frames mean that the child has lost its mind.
const MAX_FRAME: usize = 64 << 20;

/// One thing said.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Reply {
    /// The models are loaded and the limits are in force; what landlock does of them.
    Ready(String),
    /// The document is open and has this many pages.
    Opened(u32),
    /// Still at work on a page.
    Alive,
    /// A page has been read.
    Page(Page),
    /// All pages have been read.
    Done,
    /// The document is refused; the child is fit for the next one.
    Refused(Refusal),
    /// The engine failed; the child ends.
    Failed(String),
}

impl Reply {
    /// Writes the frame and flushes.
    pub(super) fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let json = serde_json::to_vec(self)?;
        let length = u32::try_from(json.len()).map_err(io::Error::other)?;
        out.write_all(&length.to_le_bytes())?;
        out.write_all(&json)?;
        out.flush()
    }

    /// Reads one frame.
    pub(super) async fn read(input: &mut (impl AsyncRead + Unpin)) -> io::Result<Self> {
        let length = input.read_u32_le().await? as usize;
        if length > MAX_FRAME {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let mut json = vec![0; length];
        input.read_exact(&mut json).await?;
        Ok(serde_json::from_slice(&json)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn frames_survive_the_pipe_and_giants_are_refused() {
        let mut bytes = Vec::new();
        Reply::Opened(3).write(&mut bytes).expect("writes");
        assert!(matches!(
            Reply::read(&mut &bytes[..]).await,
            Ok(Reply::Opened(3))
        ));
        assert!(Reply::read(&mut &u32::MAX.to_le_bytes()[..]).await.is_err());
    }
}
