//! How an author configures mail: from whom, by which server.
//!
//! The configuration travels in the release, so no password stands in it: it names where the
//! edge finds one. Without a server, letters become files of a folder (`.eml`), to be looked at.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// What stands in these is published, or given to layouts.
const NOT_SECRET: [&str; 7] = ["content", "data", "dynamic", "layouts", "public", "static", ".littoral"];

/// How mail is sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Mail {
    /// Who letters are from: `Name <address>` or an address. Empty: `noreply@` and the host of
    /// the site.
    pub from: String,
    /// The server that takes letters, `host` or `host:port`. Empty: none, and each letter
    /// becomes a file.
    pub server: String,
    /// How the way there is kept from others' eyes.
    pub security: Security,
    /// The name to sign in with at the server. Empty: without.
    pub user: String,
    /// The variable of the edge's environment with the password.
    pub password_env: Option<String>,
    /// Or the file with it, from the site's root.
    pub password_file: Option<String>,
    /// The folder of the files that letters become without a server, from the site's root.
    pub folder: String,
    /// How many letters are sent in a minute at most, of each lane; 0 for no bound.
    pub each_minute: u32,
    /// How many connections to the server are open at once.
    pub connections: u32,
}

impl Default for Mail {
    fn default() -> Self {
        Self {
            from: String::new(),
            server: String::new(),
            security: Security::Starttls,
            user: String::new(),
            password_env: None,
            password_file: None,
            folder: "var/mail".to_owned(),
            each_minute: 0,
            connections: 4,
        }
    }
}

/// How the way to the server is kept from others' eyes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Security {
    /// Begun in clear and made safe before anything is said (RFC 3207); port 587.
    #[default]
    Starttls,
    /// TLS from the first byte (RFC 8314); port 465.
    Tls,
    /// None; port 25. For a server on this machine.
    None,
}

impl Security {
    /// The port that servers of this kind listen at.
    pub fn port(self) -> u16 {
        match self {
            Self::Starttls => 587,
            Self::Tls => 465,
            Self::None => 25,
        }
    }
}

impl Mail {
    /// Host and port of the server, if there is one.
    pub fn host(&self) -> Option<(&str, u16)> {
        if self.server.is_empty() {
            return None;
        }
        match self.server.rsplit_once(':') {
            // `[::1]` has colons of its own.
            Some((host, port)) if !port.ends_with(']') => {
                Some((host.trim_matches(['[', ']']), port.parse().unwrap_or(self.security.port())))
            }
            _ => Some((self.server.trim_matches(['[', ']']), self.security.port())),
        }
    }

    /// What is wrong, each with its key.
    pub(super) fn mistakes(&self) -> Vec<(&'static str, String)> {
        let mut found = Vec::new();
        if self.from.chars().any(char::is_control) || (!self.from.is_empty() && !self.from.contains('@')) {
            found.push((
                "from",
                format!("expected `Name <address>` or an address such as `post@shore.example`, found `{}`", self.from),
            ));
        }
        let is_host = self.host().is_none_or(|(host, _)| {
            !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-:".contains(&byte))
        });
        let port = self.server.rsplit_once(':').filter(|_| !self.server.ends_with(']')).map(|(_, port)| port);
        if !is_host || port.is_some_and(|port| port.parse::<u16>().is_err()) {
            let message = "expected the host of a mail server, such as `smtp.shore.example` or `localhost:1025`";
            found.push(("server", message.to_owned()));
        }
        if self.password_env.is_some() && self.password_file.is_some() {
            found.push(("password_env", "there are both `password_env` and `password_file`: expected one".to_owned()));
        }
        if (self.password_env.is_some() || self.password_file.is_some()) == self.user.is_empty() {
            let message = "expected `user` and one of `password_env` and `password_file`, or none of them";
            found.push(("user", message.to_owned()));
        }
        let is_here =
            |host: &str| host == "localhost" || host.parse().is_ok_and(|address: IpAddr| address.is_loopback());
        if !self.user.is_empty()
            && self.security == Security::None
            && self.host().is_some_and(|(host, _)| !is_here(host))
        {
            let message = "a password is sent in clear to no other machine: expected `starttls` or `tls`";
            found.push(("security", message.to_owned()));
        }
        if let Some(variable) = &self.password_env {
            let is_variable = variable.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
                && variable.bytes().next().is_some_and(|first| !first.is_ascii_digit());
            if !is_variable {
                // It may be the password itself.
                let message = "expected the name of a variable such as `SMTP_PASSWORD`, not the password";
                found.push(("password_env", message.to_owned()));
            }
        }
        let places = [("password_file", self.password_file.as_deref()), ("folder", Some(self.folder.as_str()))];
        for (key, place) in places.into_iter().filter_map(|(key, place)| Some((key, place?))) {
            let folder = place.split('/').find(|part| !part.is_empty() && *part != ".").unwrap_or_default();
            let is_outside = place.starts_with('/') && key == "password_file";
            if place.is_empty()
                || place.contains('\0')
                || (!is_outside && (NOT_SECRET.contains(&folder) || place.split('/').any(|part| part == "..")))
                || (place.starts_with('/') && !is_outside)
            {
                found.push((key, "expected a place in `var/`, which no build reads".to_owned()));
            }
        }
        if self.connections == 0 {
            found.push(("connections", "expected at least 1 connection, found 0".to_owned()));
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail(yaml: &str) -> Mail {
        serde_yaml::from_str(yaml).unwrap()
    }

    #[test]
    fn a_server_has_the_port_of_its_security_unless_it_says_one() {
        for (yaml, expected) in [
            ("server: smtp.shore.example", ("smtp.shore.example", 587)),
            ("{ server: smtp.shore.example, security: tls }", ("smtp.shore.example", 465)),
            ("{ server: 'localhost:1025', security: none }", ("localhost", 1025)),
            ("{ server: '[::1]', security: none }", ("::1", 25)),
            ("{ server: '[::1]:2525', security: none }", ("::1", 2525)),
        ] {
            let mail = mail(yaml);
            assert_eq!(mail.host(), Some(expected));
            assert_eq!(mail.mistakes(), [], "{yaml}");
        }
        assert_eq!(Mail::default().host(), None);
        assert_eq!(Mail::default().mistakes(), []);
    }

    #[test]
    fn what_cannot_be_is_told_and_no_password_with_it() {
        for (yaml, key) in [
            ("from: Shore", "from"),
            ("server: 'a b'", "server"),
            ("server: 'a:70000'", "server"),
            ("user: post", "user"),
            ("password_env: A", "user"),
            ("{ user: post, password_env: 'low water' }", "password_env"),
            ("{ user: post, password_file: static/word }", "password_file"),
            ("{ server: smtp.shore.example, security: none, user: post, password_env: A }", "security"),
            ("folder: public/mail", "folder"),
            ("folder: /tmp/mail", "folder"),
            ("connections: 0", "connections"),
        ] {
            let found = mail(yaml).mistakes();
            assert!(found.iter().any(|(at, _)| *at == key), "{yaml}: {found:?}");
            assert!(!format!("{found:?}").contains("low water"));
        }
        for yaml in [
            "{ user: post, password_file: /run/secrets/smtp }",
            "{ server: 'localhost:25', security: none, user: a, password_env: A }",
        ] {
            assert_eq!(mail(yaml).mistakes(), [], "{yaml}");
        }
    }
}
