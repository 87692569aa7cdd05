use std::{io, marker::PhantomData};

use async_trait::async_trait;
use borsh::{BorshDeserialize, BorshSerialize};
use libp2p::{
    StreamProtocol,
    futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    request_response,
};
use light_client::data_format::codec;

/// What came as a question. The library ends a stream whose question cannot be read and tells nobody; we want to know
/// who sent it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Incoming<Q> {
    /// A question.
    Asked(Q),
    /// None, and why.
    Garbage(String),
}

/// An answer between whoever gives or takes it and the stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reply<R> {
    /// One that came, and how many bytes it had.
    Came(R, usize),
    /// One to be sent, encoded: large ones are encoded where they are made, and once.
    Ready(Vec<u8>),
}

impl<R: BorshSerialize> Reply<R> {
    /// To be sent.
    pub(super) fn of(answer: &R) -> Self {
        Self::Ready(codec::encode(answer))
    }
}

/// Moves one bounded message each way over a stream: four bytes of length, lowest first, then Borsh. A longer length is refused
/// before a byte of the message is read.
pub(super) struct Codec<Q, R> {
    request_bytes: usize,
    response_bytes: usize,
    types: PhantomData<fn() -> (Q, R)>,
}

impl<Q, R> Codec<Q, R> {
    /// With these bounds.
    pub(super) const fn new(request_bytes: usize, response_bytes: usize) -> Self {
        Self { request_bytes, response_bytes, types: PhantomData }
    }
}

impl<Q, R> Clone for Codec<Q, R> {
    fn clone(&self) -> Self {
        Self::new(self.request_bytes, self.response_bytes)
    }
}

async fn read<M: BorshDeserialize>(
    stream: &mut (impl AsyncRead + Unpin + Send),
    limit: usize,
) -> io::Result<(M, usize)> {
    let mut length = [0; 4];
    stream.read_exact(&mut length).await?;
    let length = u32::from_le_bytes(length) as usize;
    if length > limit {
        let what = format!("a message of {length} bytes, at most {limit} are allowed");
        return Err(io::Error::new(io::ErrorKind::InvalidData, what));
    }
    // Grows with what is really there, never with what is announced.
    let mut bytes = Vec::new();
    stream.take(length as u64).read_to_end(&mut bytes).await?;
    if bytes.len() < length {
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the message ends early"));
    }
    let message = codec::decode(&bytes, limit);
    let message = message.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
    Ok((message, length))
}

async fn write(stream: &mut (impl AsyncWrite + Unpin + Send), bytes: &[u8], limit: usize) -> io::Result<()> {
    let length = u32::try_from(bytes.len()).ok().filter(|_| bytes.len() <= limit).ok_or_else(|| {
        io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("{} bytes, at most {limit} are sent", bytes.len()),
        )
    })?;
    stream.write_all(&length.to_le_bytes()).await?;
    stream.write_all(bytes).await?;
    stream.close().await
}

#[async_trait]
impl<Q, R> request_response::Codec for Codec<Q, R>
where
    Q: BorshSerialize + BorshDeserialize + Send + Sync + 'static,
    R: BorshSerialize + BorshDeserialize + Send + Sync + 'static,
{
    type Protocol = StreamProtocol;
    type Request = Incoming<Q>;
    type Response = Reply<R>;

    async fn read_request<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Incoming<Q>>
    where
        T: AsyncRead + Unpin + Send,
    {
        match read(io, self.request_bytes).await {
            Ok((question, _)) => Ok(Incoming::Asked(question)),
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                Ok(Incoming::Garbage(error.to_string()))
            }
            Err(error) => Err(error),
        }
    }

    async fn read_response<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Reply<R>>
    where
        T: AsyncRead + Unpin + Send,
    {
        let (answer, bytes) = read(io, self.response_bytes).await?;
        Ok(Reply::Came(answer, bytes))
    }

    async fn write_request<T>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
        request: Incoming<Q>,
    ) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        match request {
            Incoming::Asked(request) => write(io, &codec::encode(&request), self.request_bytes).await,
            Incoming::Garbage(what) => Err(io::Error::new(io::ErrorKind::InvalidInput, what)),
        }
    }

    async fn write_response<T>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
        response: Reply<R>,
    ) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        match response {
            Reply::Ready(bytes) => write(io, &bytes, self.response_bytes).await,
            Reply::Came(..) => {
                Err(io::Error::new(io::ErrorKind::InvalidInput, "an answer that came is not sent"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use libp2p::futures::io::Cursor;

    use super::*;

    #[tokio::test]
    async fn a_message_is_refused_by_its_length_alone() {
        let mut bytes = Vec::new();
        write(&mut bytes, &codec::encode(&7_u64), 8).await.unwrap();
        assert_eq!(bytes.len(), 12);
        assert_eq!(read::<u64>(&mut Cursor::new(&bytes), 8).await.unwrap(), (7, 8));
        let kind = |bytes: &[u8], limit| {
            let bytes = bytes.to_vec();
            async move { read::<u64>(&mut Cursor::new(bytes), limit).await.unwrap_err().kind() }
        };
        assert_eq!(kind(&bytes, 7).await, io::ErrorKind::InvalidData);
        assert_eq!(kind(&bytes[..11], 8).await, io::ErrorKind::UnexpectedEof);
        assert_eq!(kind(&u32::MAX.to_le_bytes(), 8).await, io::ErrorKind::InvalidData);
        assert_eq!(kind(&[1, 0, 0, 0, 9], 8).await, io::ErrorKind::InvalidData);
        assert!(write(&mut Vec::new(), &codec::encode(&7_u64), 7).await.is_err());
    }
}
