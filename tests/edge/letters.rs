//! The letters that an edge has posted, read from its outbox; those that were delivered
//! meanwhile, from the folder that they were delivered to.

use littoral::site::mail::Security;

use crate::support::{Release, TestEdge};

/// A letter, as its reader has it.
#[derive(Clone, Debug)]
pub struct Letter {
    pub to: String,
    pub subject: String,
    pub text: String,
}

impl Letter {
    /// The link in it, from the site's root.
    pub fn link(&self) -> String {
        let address = self.text.lines().map(str::trim).find(|line| line.starts_with("http")).expect(&self.text);
        format!("/{}", address.splitn(4, '/').nth(3).unwrap())
    }
}

/// A site whose letters nobody carries: what is counted is what a request does.
pub fn left_lying(site: &mut Release) {
    let mail = &mut site.manifest.site.edge.mail;
    (mail.server, mail.security) = ("localhost:1".to_owned(), Security::None);
    (mail.user, mail.password_env) = ("post".to_owned(), Some("NOT_SET".to_owned()));
}

/// All letters, the latest first.
pub fn all(edge: &TestEdge) -> Vec<Letter> {
    let mut letters = Vec::new();
    loop {
        let sql = format!(
            "SELECT CAST(id AS TEXT) || '|' || payload FROM littoral_outbox WHERE kind = 'mail'
                 ORDER BY created_at DESC, id LIMIT 1 OFFSET {}",
            letters.len()
        );
        let Some(row) = edge.ask_store(&sql) else { return letters };
        let (id, payload) = row.split_once('|').unwrap();
        letters.push(if payload.is_empty() { delivered(edge, id) } else { posted(payload) });
    }
}

/// The latest letter to an address.
pub fn to(edge: &TestEdge, address: &str) -> Letter {
    let found = all(edge).into_iter().find(|letter| letter.to == address);
    found.unwrap_or_else(|| panic!("there must be a letter to {address}"))
}

fn posted(payload: &str) -> Letter {
    let value: serde_json::Value = serde_json::from_str(payload).unwrap();
    let text = |key: &str| value[key].as_str().unwrap().to_owned();
    Letter { to: text("to"), subject: text("subject"), text: text("text") }
}

fn delivered(edge: &TestEdge, id: &str) -> Letter {
    let file = edge.folder.path().join(format!("var/mail/{id}.eml"));
    let raw = std::fs::read_to_string(file).unwrap().replace("=\r\n", "").replace("=3D", "=");
    let header = |name: &str| {
        let line = raw.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
        line.trim_start_matches(':').trim().to_owned()
    };
    Letter { to: header("To"), subject: header("Subject"), text: raw.clone() }
}
