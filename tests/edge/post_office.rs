//! A mail server for tests: it speaks SMTP over real connections, takes what it is told to
//! take, and keeps what came. The protocol is the `mailin` crate's.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};

use mailin::{Action, AuthMechanism, Handler, Response, SessionBuilder, response};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::support::PATIENCE;

/// A letter as it came.
#[derive(Clone, Debug)]
pub struct Received {
    pub from: String,
    pub to: Vec<String>,
    /// Head and body, as they were sent.
    pub raw: String,
    /// Whether it came over TLS.
    pub is_encrypted: bool,
    /// Who had signed in to send it.
    pub sender: Option<String>,
}

impl Received {
    /// A header, unfolded.
    pub fn header(&self, name: &str) -> String {
        let head = self.raw.split("\r\n\r\n").next().unwrap_or_default().replace("\r\n ", " ").replace("\r\n\t", " ");
        let wanted = format!("{}:", name.to_ascii_lowercase());
        let line = head.split("\r\n").find(|line| line.to_ascii_lowercase().starts_with(&wanted));
        line.map(|line| line[wanted.len()..].trim().to_owned()).unwrap_or_default()
    }

    /// The text, decoded.
    pub fn text(&self) -> String {
        self.part("text/plain")
    }

    /// The HTML, decoded.
    pub fn html(&self) -> String {
        self.part("text/html")
    }

    fn part(&self, media: &str) -> String {
        let mail = mail_parser::MessageParser::default().parse(self.raw.as_bytes()).expect("it must be a message");
        let part = match media {
            "text/plain" => mail.body_text(0),
            _ => mail.body_html(0),
        };
        part.unwrap_or_default().replace("\r\n", "\n")
    }

    /// The first link in the text that begins with `start`.
    pub fn link(&self, start: &str) -> String {
        let text = self.text();
        let from = text.find(start).unwrap_or_else(|| panic!("no link to {start} in:\n{text}"));
        text[from..].split_whitespace().next().unwrap().to_owned()
    }
}

/// What the server says to a recipient.
type Answers = Arc<Mutex<HashMap<String, (u16, String)>>>;

/// How the server behaves.
#[derive(Clone, Default)]
pub struct Manner {
    /// STARTTLS with this, and no letter without it.
    pub tls: Option<TlsAcceptor>,
    /// TLS from the first byte.
    pub is_wrapped: bool,
    /// Nobody sends without this name and password.
    pub account: Option<(String, String)>,
    /// Accepts connections and says nothing.
    pub is_mute: bool,
}

pub struct PostOffice {
    pub address: SocketAddr,
    answers: Answers,
    letters: mpsc::UnboundedReceiver<Received>,
    // Ends with it, connections too.
    _running: JoinSet<()>,
}

impl PostOffice {
    /// On a port that the system chooses. Takes everything, unless it is told otherwise.
    pub async fn open() -> Self {
        Self::with(Manner::default()).await
    }

    pub async fn with(manner: Manner) -> Self {
        Self::at("127.0.0.1:0".parse().unwrap(), manner).await
    }

    pub async fn at(address: SocketAddr, manner: Manner) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, letters) = mpsc::unbounded_channel();
        let answers = Answers::default();
        let mut running = JoinSet::new();
        let known = answers.clone();
        running.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, peer)) = listener.accept().await {
                let clerk = Clerk { answers: known.clone(), sender: sender.clone(), ..Clerk::default() };
                connections.spawn(serve(stream, peer.ip(), manner.clone(), clerk));
            }
        });
        Self { address, answers, letters, _running: running }
    }

    /// From now on this recipient gets this answer: `550 5.1.1 no such mailbox`.
    pub fn answer(&self, to: &str, code: u16, words: &str) {
        self.answers.lock().unwrap().insert(to.to_owned(), (code, words.to_owned()));
    }

    /// From now on this recipient is taken.
    pub fn take(&self, to: &str) {
        self.answers.lock().unwrap().remove(to);
    }

    /// The next letter.
    pub async fn next(&mut self) -> Received {
        let coming = tokio::time::timeout(PATIENCE, self.letters.recv()).await;
        coming.expect("a letter must come").expect("the server is open")
    }

    /// The letters that have come and were not looked at.
    pub fn come(&mut self) -> Vec<Received> {
        std::iter::from_fn(|| self.letters.try_recv().ok()).collect()
    }
}

/// Who takes the letters of one connection.
#[derive(Clone)]
struct Clerk {
    answers: Answers,
    sender: mpsc::UnboundedSender<Received>,
    account: Option<(String, String)>,
    must_be_encrypted: bool,
    is_encrypted: bool,
    signed_in: Option<String>,
    from: String,
    to: Vec<String>,
    raw: Vec<u8>,
}

impl Default for Clerk {
    fn default() -> Self {
        Self {
            answers: Answers::default(),
            sender: mpsc::unbounded_channel().0,
            account: None,
            must_be_encrypted: false,
            is_encrypted: false,
            signed_in: None,
            from: String::new(),
            to: Vec::new(),
            raw: Vec::new(),
        }
    }
}

impl Handler for Clerk {
    fn mail(&mut self, _: IpAddr, _: &str, from: &str) -> Response {
        if self.account.is_some() && self.signed_in.is_none() {
            return response::AUTHENTICATION_REQUIRED;
        }
        if self.must_be_encrypted && !self.is_encrypted {
            return Response::custom(530, "Must issue a STARTTLS command first".to_owned());
        }
        (self.from, self.to, self.raw) = (from.to_owned(), Vec::new(), Vec::new());
        response::OK
    }

    fn rcpt(&mut self, to: &str) -> Response {
        if let Some((code, words)) = self.answers.lock().unwrap().get(to) {
            return Response::custom(*code, words.clone());
        }
        self.to.push(to.to_owned());
        response::OK
    }

    fn data(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.raw.extend_from_slice(bytes);
        Ok(())
    }

    fn data_end(&mut self) -> Response {
        // Nobody may look any longer.
        let _ = self.sender.send(Received {
            from: std::mem::take(&mut self.from),
            to: std::mem::take(&mut self.to),
            raw: String::from_utf8_lossy(&std::mem::take(&mut self.raw)).into_owned(),
            is_encrypted: self.is_encrypted,
            sender: self.signed_in.clone(),
        });
        response::OK
    }

    fn auth_plain(&mut self, _: &str, name: &str, password: &str) -> Response {
        if self.account.as_ref().is_some_and(|known| *known == (name.to_owned(), password.to_owned())) {
            self.signed_in = Some(name.to_owned());
            return response::AUTH_OK;
        }
        response::INVALID_CREDENTIALS
    }
}

/// How a stretch of a connection ended.
enum End {
    Closed,
    Upgrade,
}

async fn serve(stream: TcpStream, peer: IpAddr, manner: Manner, mut clerk: Clerk) {
    if manner.is_mute {
        return std::future::pending().await;
    }
    let mut builder = SessionBuilder::new("post.test");
    if manner.tls.is_some() && !manner.is_wrapped {
        builder.enable_start_tls();
    }
    if manner.account.is_some() {
        builder.enable_auth(AuthMechanism::Plain);
    }
    clerk.account = manner.account;
    clerk.must_be_encrypted = manner.tls.is_some();
    let mut stream = BufReader::new(stream);
    let Some(acceptor) = manner.tls else {
        let _ = converse(&mut stream, &mut builder.build(peer, clerk), Greeting::Said).await;
        return;
    };
    if !manner.is_wrapped {
        let in_clear = converse(&mut stream, &mut builder.build(peer, clerk.clone()), Greeting::Said).await;
        if !matches!(in_clear, Ok(End::Upgrade)) {
            return;
        }
    }
    let Ok(encrypted) = acceptor.accept(stream.into_inner()).await else { return };
    clerk.is_encrypted = true;
    let mut session = builder.build(peer, clerk);
    session.tls_active();
    // Behind STARTTLS the client speaks first (RFC 3207 §4.2).
    let greeting = if manner.is_wrapped { Greeting::Said } else { Greeting::Left };
    let _ = converse(&mut BufReader::new(encrypted), &mut session, greeting).await;
}

#[derive(PartialEq)]
enum Greeting {
    Said,
    Left,
}

async fn converse<S, H>(
    stream: &mut BufReader<S>,
    session: &mut mailin::Session<H>,
    greeting: Greeting,
) -> io::Result<End>
where
    S: AsyncRead + AsyncWrite + Unpin,
    H: Handler,
{
    if greeting == Greeting::Said {
        stream.write_all(&session.greeting().buffer()?).await?;
        stream.flush().await?;
    }
    let mut line = Vec::new();
    loop {
        line.clear();
        if stream.read_until(b'\n', &mut line).await? == 0 {
            return Ok(End::Closed);
        }
        let answer = session.process(&line);
        if answer.action != Action::NoReply {
            stream.write_all(&answer.buffer()?).await?;
            stream.flush().await?;
        }
        match answer.action {
            Action::Close => return Ok(End::Closed),
            Action::UpgradeTls => return Ok(End::Upgrade),
            _ => {}
        }
    }
}
