//! The wallet's files, served as they are.
//!
//! Paths are resolved by `tower-http`, which refuses everything that leaves the folder. What is not there is
//! either a page of the wallet (no extension: the app finds its own way from `index.html`) or missing.

use std::{
    io,
    path::{Path, PathBuf},
};

use axum::{
    extract::Request,
    http::{HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use tower::ServiceExt;
use tower_http::services::ServeDir;

use super::problem::{Code, Problem};

/// A folder that holds a wallet.
#[derive(Clone, Debug)]
pub struct WalletFolder {
    folder: PathBuf,
    files: ServeDir,
}

/// A folder that does not.
#[derive(Debug, thiserror::Error)]
pub enum WalletFolderError {
    /// It cannot be read.
    #[error("the wallet folder {folder} cannot be read: {cause}")]
    Unreadable {
        /// The folder.
        folder: PathBuf,
        /// Why.
        cause: io::Error,
    },
    /// It has no `index.html`.
    #[error("the folder {0} holds no wallet: it has no index.html")]
    NoIndex(PathBuf),
}

impl WalletFolder {
    /// Checks that the folder holds a wallet.
    ///
    /// # Errors
    /// [`WalletFolderError`] if it cannot be read or has no `index.html`.
    pub fn open(folder: &Path) -> Result<Self, WalletFolderError> {
        let unreadable = |cause| WalletFolderError::Unreadable { folder: folder.to_owned(), cause };
        let folder = folder.canonicalize().map_err(unreadable)?;
        if !folder.is_dir() {
            return Err(unreadable(io::ErrorKind::NotADirectory.into()));
        }
        if !folder.join("index.html").is_file() {
            return Err(WalletFolderError::NoIndex(folder));
        }
        let files = ServeDir::new(&folder).precompressed_gzip().ignore_multi_range_requests(true);
        Ok(Self { folder, files })
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.folder
    }

    /// Answers a request for a file or a page.
    pub(super) async fn answer(&self, request: Request) -> Response {
        if request.method() != Method::GET && request.method() != Method::HEAD {
            return Problem::new(Code::MethodNotAllowed, "files are read with GET").into_response();
        }
        let path = request.uri().path().to_owned();
        let mut again = Request::new(axum::body::Body::empty());
        *again.method_mut() = request.method().clone();
        *again.headers_mut() = request.headers().clone();
        let response = self.file(request).await;
        if response.status() == StatusCode::NOT_FOUND && is_page(&path) {
            *again.uri_mut() = axum::http::Uri::from_static("/index.html");
            return revalidated(self.file(again).await);
        }
        if response.status() == StatusCode::NOT_FOUND {
            return Problem::new(Code::NotFound, "the wallet has no such file").into_response();
        }
        revalidated(response)
    }

    async fn file(&self, request: Request) -> Response {
        match self.files.clone().oneshot(request).await {
            Ok(response) => response.into_response(),
            Err(never) => match never {},
        }
    }
}

/// A path whose last segment has no extension names a page, not a file.
fn is_page(path: &str) -> bool {
    path.rsplit('/').next().is_some_and(|last| !last.contains('.') && !last.contains('%'))
}

/// File names carry no version, so a browser asks each time and is told "unchanged" by the entity tag: an
/// update of the wallet is never half old, half new.
fn revalidated(mut response: Response) -> Response {
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}
