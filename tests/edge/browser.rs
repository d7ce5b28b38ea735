//! A client that keeps cookies and fills in forms, as a browser does.

use std::collections::BTreeMap;

use reqwest::{Method, Response};

use crate::letters;
use crate::support::TestEdge;

/// One reader's browser.
pub struct Browser<'e> {
    edge: &'e TestEdge,
    pub cookies: BTreeMap<String, String>,
    /// Sent with each request.
    pub headers: Vec<(&'static str, String)>,
}

/// An answer, read to its end.
pub struct Answer {
    pub status: u16,
    pub location: String,
    pub set_cookies: Vec<String>,
    pub headers: reqwest::header::HeaderMap,
    pub body: String,
}

impl<'e> Browser<'e> {
    pub fn new(edge: &'e TestEdge) -> Self {
        Self { edge, cookies: BTreeMap::new(), headers: Vec::new() }
    }

    pub async fn get(&mut self, path: &str) -> Answer {
        self.send(Method::GET, path, None).await
    }

    /// Posts fields as they are.
    pub async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.post_body(path, encode(fields)).await
    }

    pub async fn post_body(&mut self, path: &str, body: impl Into<Vec<u8>>) -> Answer {
        self.send(Method::POST, path, Some(body.into())).await
    }

    /// Loads the page with the form, then posts the fields with the token found there.
    pub async fn submit(&mut self, page: &str, action: &str, fields: &[(&str, &str)]) -> Answer {
        let token = self.get(page).await.token();
        let mut all = vec![("csrf", token.as_str())];
        all.extend(fields);
        self.post(action, &all).await
    }

    /// Registers, follows the link in the letter, and chooses a password.
    pub async fn register(&mut self, email: &str) -> Answer {
        self.register_as(email, "Ann").await
    }

    pub async fn register_as(&mut self, email: &str, name: &str) -> Answer {
        let asked = self.submit("/register", "/register", &[("email", email), ("name", name)]).await;
        assert_eq!((asked.status, asked.location.as_str()), (303, "/login/sent?for=register"), "{}", asked.body);
        let link = letters::to(self.edge, email).link();
        self.follow(&link, &[("password", PASSWORD)]).await
    }

    /// Opens the page of a link in a letter and presses its button, if it has one.
    pub async fn follow(&mut self, link: &str, fields: &[(&str, &str)]) -> Answer {
        let (path, query) = link.split_once('?').unwrap();
        let page = self.get(link).await;
        let token = page.token();
        if token.is_empty() {
            return page;
        }
        let named = query.split('&').map(|pair| pair.split_once('=').unwrap());
        let all: Vec<(&str, &str)> =
            [("csrf", token.as_str())].into_iter().chain(named).chain(fields.iter().copied()).collect();
        self.post(path, &all).await
    }

    /// Asks for a link, and follows it.
    pub async fn log_in_by_link(&mut self, email: &str) -> Answer {
        self.submit("/login", "/login/ask", &[("email", email)]).await;
        let link = letters::to(self.edge, email).link();
        self.follow(&link, &[]).await
    }

    pub async fn log_in(&mut self, email: &str, password: &str) -> Answer {
        self.submit("/login", "/login", &[("email", email), ("password", password)]).await
    }

    pub fn session(&self) -> Option<String> {
        self.cookies.get("littoral").cloned()
    }

    async fn send(&mut self, method: Method, path: &str, body: Option<Vec<u8>>) -> Answer {
        let mut request = self.edge.request(method, path);
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        if !self.cookies.is_empty() {
            let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            request = request.header("cookie", cookies.join("; "));
        }
        if let Some(body) = body {
            request = request.header("content-type", "application/x-www-form-urlencoded").body(body);
        }
        let answer = Answer::of(request.send().await.unwrap()).await;
        for cookie in &answer.set_cookies {
            let (name, rest) = cookie.split_once('=').unwrap();
            let (value, attributes) = rest.split_once(';').unwrap();
            if attributes.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        answer
    }
}

impl Answer {
    pub async fn of(response: Response) -> Self {
        let headers = response.headers().clone();
        let all = |name: &str| -> Vec<String> {
            headers.get_all(name).iter().map(|value| value.to_str().unwrap().to_owned()).collect()
        };
        let (location, set_cookies) = (all("location").concat(), all("set-cookie"));
        let status = response.status().as_u16();
        Self { status, location, set_cookies, headers, body: response.text().await.unwrap() }
    }

    /// The token of the first form.
    pub fn token(&self) -> String {
        let after = self.body.split("name=\"csrf\" value=\"").nth(1).unwrap_or_default();
        after.split('"').next().unwrap_or_default().to_owned()
    }
}

/// The password of everybody in these tests.
pub const PASSWORD: &str = "low water at six";

pub fn encode(fields: &[(&str, &str)]) -> String {
    let encoded = |text: &str| -> String { text.bytes().map(|byte| format!("%{byte:02X}")).collect() };
    let pairs: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
    pairs.join("&")
}
