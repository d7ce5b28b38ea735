//! Webhooks as an author configures them: where to, signed by what, told of what.
//!
//! The configuration travels in the release, so no secret stands in it: it names where the
//! edge finds one.

use serde::{Deserialize, Serialize};

use super::table::TableName;

/// How long a name may be.
const LONGEST_NAME: usize = 40;
/// How a secret begins (Standard Webhooks).
pub const PREFIX: &str = "whsec_";
/// What stands in these is published, or given to layouts.
const NOT_SECRET: [&str; 7] = ["content", "data", "dynamic", "layouts", "public", "static", ".littoral"];

/// One webhook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    /// Where messages are posted to.
    pub url: String,
    /// The variable of the edge's environment with the secret.
    #[serde(default)]
    pub secret_env: Option<String>,
    /// Or the file with it, from the site's root.
    #[serde(default)]
    pub secret_file: Option<String>,
    /// The tables whose rows it is told of.
    #[serde(default)]
    pub tables: Vec<TableName>,
}

impl Webhook {
    /// What is wrong with it, called `name`.
    pub(super) fn mistakes(&self, name: &str) -> Vec<String> {
        let mut found = Vec::new();
        let is_name = (1..=LONGEST_NAME).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte));
        if !is_name {
            found.push(format!(
                "`{name}` cannot be the name of a webhook: expected small letters, figures, `-` and `_`, at most {LONGEST_NAME}"
            ));
        }
        if let Err(expected) = is_address(&self.url) {
            // The address is not shown: it may hold what only the receiver should know.
            found.push(format!("`url` of the webhook `{name}`: expected {expected}"));
        }
        match (&self.secret_env, &self.secret_file) {
            (None, None) => found.push(format!(
                "the webhook `{name}` has no secret: expected `secret_env`, the name of a variable, or `secret_file`, a file"
            )),
            (Some(_), Some(_)) => {
                found.push(format!("the webhook `{name}` has both `secret_env` and `secret_file`: expected one"));
            }
            (Some(variable), None) => {
                let is_variable = variable.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
                    && variable.bytes().next().is_some_and(|first| !first.is_ascii_digit());
                if !is_variable {
                    // It may be the secret itself.
                    found.push(format!(
                        "`secret_env` of the webhook `{name}`: expected the name of a variable such as `TILL_SECRET`, not the secret"
                    ));
                }
            }
            (None, Some(file)) => {
                let folder = file.split('/').find(|part| !part.is_empty() && *part != ".").unwrap_or_default();
                if file.is_empty() || file.contains('\0') || file.starts_with(PREFIX) {
                    found.push(format!(
                        "`secret_file` of the webhook `{name}`: expected a file such as `var/secrets/{name}`, not the secret"
                    ));
                } else if !file.starts_with('/') && (NOT_SECRET.contains(&folder) || file.split('/').any(|part| part == ".."))
                {
                    found.push(format!(
                        "`secret_file` of the webhook `{name}`: expected a place that no build reads, such as `var/secrets/{name}`, found `{file}`"
                    ));
                }
            }
        }
        found
    }
}

/// `text` with the secrets in it starred out: a mistake is shown with its line, and may be
/// that a secret stands there.
pub(super) fn without_secrets(text: &str) -> String {
    let mut parts = text.split(PREFIX);
    let mut shown = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let is_of_secret = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=_-".contains(byte);
        let length = part.bytes().take_while(is_of_secret).count();
        shown.push_str(PREFIX);
        shown.push_str(&"*".repeat(length));
        shown.push_str(&part[length..]);
    }
    shown
}

/// An absolute address of the web. What would be sent in clear beside it is refused.
fn is_address(url: &str) -> Result<(), &'static str> {
    let parsed: hyper::Uri = url.parse().map_err(|_| "an address such as `https://till.example/hooks`")?;
    let (Some("http" | "https"), Some(authority)) = (parsed.scheme_str(), parsed.authority()) else {
        return Err("an address with `https://` or `http://` and a host");
    };
    if authority.as_str().contains('@') {
        return Err("an address without a user or a password: the signature says who sends");
    }
    if authority.host().is_empty() || url.contains('#') {
        return Err("an address such as `https://till.example/hooks`, without `#`");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mistakes(name: &str, yaml: &str) -> String {
        serde_yaml::from_str::<Webhook>(yaml).unwrap().mistakes(name).join("\n")
    }

    #[test]
    fn an_address_has_a_scheme_and_a_host_and_no_password() {
        for url in ["https://till.example/hooks", "http://[::1]:8000", "https://till.example:8443/a?b=c"] {
            assert_eq!(is_address(url), Ok(()), "{url}");
        }
        for url in [
            "",
            "till.example",
            "/hooks",
            "ftp://till.example/",
            "https://",
            "https://ann:low@till.example/",
            "http://a/#b",
            "http://a b/",
        ] {
            assert!(is_address(url).is_err(), "{url}");
        }
    }

    #[test]
    fn a_secret_that_stands_where_its_place_should_is_not_shown() {
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        for key in ["secret_env", "secret_file"] {
            let said = mistakes("till", &format!("url: https://till.example/\n{key}: {secret}="));
            assert!(said.contains("not the secret") && !said.contains("MfKQ"), "{said}");
        }
    }

    #[test]
    fn a_secret_in_a_line_is_starred_out_and_the_rest_stays_where_it_is() {
        for (line, shown) in [
            (
                "  secret: whsec_MfKQ/9r8+= # of the till",
                "  secret: whsec_************ # of the till".replacen('*', "", 2),
            ),
            ("a: whsec_, b: \"whsec_é\"", "a: whsec_, b: \"whsec_é\"".to_owned()),
            ("no secret", "no secret".to_owned()),
        ] {
            assert_eq!(without_secrets(line), shown);
        }
    }

    #[test]
    fn a_secret_stands_in_no_folder_that_is_published() {
        for file in ["static/till", "./data/till", "var/../static/till"] {
            let said = mistakes("till", &format!("url: https://till.example/\nsecret_file: {file}"));
            assert!(said.contains("a place that no build reads"), "{said}");
        }
        for file in ["var/secrets/till", "/run/secrets/till"] {
            assert_eq!(mistakes("till", &format!("url: https://till.example/\nsecret_file: {file}")), "");
        }
    }
}
