//! How letters leave: by SMTP (RFC 5321) over connections that are kept open, or as files.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use lettre::message::Mailbox;
use lettre::transport::smtp::PoolConfig;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};

use tokio::time::timeout;

use crate::site::mail::{Mail, Security};

/// How long a connection that nobody uses is kept.
const IDLE: Duration = Duration::from_secs(30);

/// What became of a letter.
#[derive(Debug)]
pub(super) enum Outcome {
    /// The server has taken it. Or it is a file, whose path is given.
    Taken(Option<PathBuf>),
    /// The server knows no such mailbox, and never will.
    NoSuchAddress(String),
    /// The server never takes this letter.
    Refused(String),
    /// It may be taken another time.
    NotNow(String),
    /// There is no server that takes anything.
    NoServer(String),
}

/// One way out.
#[derive(Clone, Debug)]
pub(super) enum Transport {
    /// A mail server.
    Smtp(AsyncSmtpTransport<Tokio1Executor>),
    /// A folder of `.eml` files.
    Folder(PathBuf),
}

impl Transport {
    /// The one that `mail` configures, for the site in `root`. Over TLS it believes the authorities
    /// of the web, and those in the PEM file that `SSL_CERT_FILE` names. What is wrong is said
    /// without the password.
    pub(super) async fn of(
        root: &Path,
        mail: &Mail,
        sender: &Mailbox,
        patience: Duration,
        variables: fn(&str) -> Option<String>,
    ) -> Result<Self, String> {
        let Some((host, port)) = mail.host() else {
            return Ok(Self::Folder(root.join(&mail.folder)));
        };
        let tls = || async {
            let mut parameters = TlsParameters::builder(host.to_owned());
            if let Some(file) = variables("SSL_CERT_FILE") {
                let cannot = |why: String| format!("the authorities in SSL_CERT_FILE cannot be read: {file}: {why}");
                let pem = tokio::fs::read(&file).await.map_err(|error| cannot(error.to_string()))?;
                let authorities = Certificate::from_pem(&pem).map_err(|error| cannot(error.to_string()))?;
                parameters = parameters.add_root_certificate(authorities);
            }
            parameters.build().map_err(|error| format!("TLS cannot be had: {error}"))
        };
        let tls = match mail.security {
            Security::None => Tls::None,
            Security::Starttls => Tls::Required(tls().await?),
            Security::Tls => Tls::Wrapper(tls().await?),
        };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host)
            .port(port)
            .tls(tls)
            .timeout(Some(patience))
            .hello_name(ClientId::Domain(sender.email.domain().to_owned()))
            .pool_config(PoolConfig::new().max_size(mail.connections).idle_timeout(IDLE));
        if !mail.user.is_empty() {
            let password = password(root, mail, variables).await?;
            builder = builder.credentials(Credentials::new(mail.user.clone(), password));
        }
        Ok(Self::Smtp(builder.build()))
    }

    /// Hands a message over, within `patience`. `id` names its file.
    pub(super) async fn send(&self, message: Message, id: i64, patience: Duration) -> Outcome {
        match self {
            // Its own time-out is not for the greeting, nor for each answer.
            Self::Smtp(server) => match timeout(patience, server.send(message)).await {
                Ok(Ok(_)) => Outcome::Taken(None),
                Ok(Err(error)) => outcome(&error),
                Err(_) => Outcome::NoServer(format!("the mail server took longer than {} s", patience.as_secs())),
            },
            Self::Folder(folder) => {
                let folder = folder.clone();
                let written = tokio::task::spawn_blocking(move || write(&folder, id, &message.formatted())).await;
                match written {
                    Ok(Ok(path)) => Outcome::Taken(Some(path)),
                    Ok(Err(error)) => Outcome::NoServer(format!("a letter cannot be written: {error}")),
                    Err(panic) => Outcome::NoServer(panic.to_string()),
                }
            }
        }
    }
}

async fn password(root: &Path, mail: &Mail, variables: fn(&str) -> Option<String>) -> Result<String, String> {
    match (&mail.password_env, &mail.password_file) {
        (Some(name), _) => variables(name).ok_or_else(|| {
            format!("the variable {name}, where the password for the mail server should be, is not set")
        }),
        (None, Some(file)) => {
            let path = root.join(file);
            let text = tokio::fs::read_to_string(&path).await;
            let text = text.map_err(|error| {
                format!("the password for the mail server cannot be read from {}: {error}", path.display())
            })?;
            Ok(text.trim_end_matches(['\r', '\n']).to_owned())
        }
        (None, None) => Err("`edge.mail` names a user, and no password".to_owned()),
    }
}

/// RFC 5321 §4.2.1: 4yz may be repeated, 5yz not. An enhanced code (RFC 3463) of 5.1.z says that
/// it is the address; without one, 550, 551 and 553 do. What is refused because of us (we may
/// not send, are not who we say) can be put right, so it is tried again.
fn outcome(error: &lettre::transport::smtp::Error) -> Outcome {
    let said = in_words(error);
    let Some(code) = error.status().map(u16::from) else {
        return Outcome::NoServer(said);
    };
    if !error.is_permanent() {
        return Outcome::NotNow(said);
    }
    let enhanced = said.split(|one: char| one.is_whitespace() || one == ':' || one == '(').find(|word| {
        let mut parts = word.split('.');
        parts.next() == Some("5") && parts.clone().count() == 2 && parts.all(|part| part.parse::<u16>().is_ok())
    });
    match (code, enhanced) {
        (550..=553, Some(enhanced)) if enhanced.starts_with("5.1.") => Outcome::NoSuchAddress(said),
        (550 | 551 | 553, None) => Outcome::NoSuchAddress(said),
        (552 | 554, _) | (550..=553, Some(_)) => Outcome::Refused(said),
        _ => Outcome::NotNow(said),
    }
}

/// An error with its causes, which is where the server's own words are.
fn in_words(error: &dyn std::error::Error) -> String {
    let mut said = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_said = cause.to_string();
        if !said.contains(&cause_said) {
            said = format!("{said}: {cause_said}");
        }
        source = cause.source();
    }
    said
}

/// Whole or not at all, and twice the same is one file.
fn write(folder: &Path, id: i64, bytes: &[u8]) -> std::io::Result<PathBuf> {
    std::fs::create_dir_all(folder)?;
    let path = folder.join(format!("{id}.eml"));
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.persist(&path).map_err(|error| error.error)?;
    Ok(path)
}
