//! A small site, published as the build publishes, and an edge that serves it on a free port.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use littoral::build::search_index;
use littoral::edge::{Edge, Limits, Options, Server};
use littoral::site::config;
use littoral::site::form::Form;
use littoral::site::release::{
    Access, CacheClass, Entry, FORMAT, Fragment, Manifest, Redirect, Shelf, Shell, Site, Writer,
};
use littoral::site::search::Document;
use littoral::store::{Address, Store};
use reqwest::{Client, Method, RequestBuilder, Response, redirect};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::postgres;

/// How long a test waits for what must come.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A release to be. Begins with what nearly every test asks for.
pub struct Release {
    shelf: Shelf,
    writer: Writer,
    pub manifest: Manifest,
}

impl Release {
    /// A home page, `/docs/`, a style sheet, a 404 page, a shell and two redirects.
    pub fn in_folder(root: &Path) -> Self {
        let mut site = Self::empty_in(root);
        site.page("/", "<!doctype html><title>Home</title><body><p>Home</p></body>");
        site.page("/docs/", "<!doctype html><title>Docs</title><body><p>Docs</p></body>");
        site.page("/docs/été/", "<!doctype html><body>Summer</body>");
        site.file("/assets/site.0123abcd.css", "text/css; charset=utf-8", CacheClass::Immutable, b"p { color: #123 }");
        site.file("/robots.txt", "text/plain; charset=utf-8", CacheClass::Revalidate, b"User-agent: *\n");
        site.page("/404.html", "<!doctype html><body>The tide took this page.</body>");
        site.manifest.entries.last_mut().unwrap().access = Access::Internal;
        site.redirect("/old/", "/docs/");
        site.redirect("/away", "https://example.org/?a=1#top");
        site.shell("<!doctype html><title>", "</title>", "<main class=\"shell\">", "</main></body>");
        site
    }

    pub fn empty_in(root: &Path) -> Self {
        let manifest = Manifest {
            format: FORMAT,
            site: Site {
                title: "Tides".to_owned(),
                base_url: "http://localhost/".to_owned(),
                language: "en".to_owned(),
                edge: config::Edge::default(),
            },
            entries: Vec::new(),
            redirects: Vec::new(),
            shells: Default::default(),
            templates: Default::default(),
            forms: Default::default(),
            terms: Default::default(),
            search: None,
            search_parts: Vec::new(),
            feed: Vec::new(),
        };
        let shelf = Shelf::of(root);
        Self { writer: Writer::open(shelf.clone()).unwrap(), shelf, manifest }
    }

    pub fn page(&mut self, path: &str, html: &str) {
        self.file(path, "text/html; charset=utf-8", CacheClass::Revalidate, html.as_bytes());
    }

    /// Adds a file, or replaces the one at its path.
    pub fn file(&mut self, path: &str, media: &str, cache: CacheClass, bytes: &[u8]) {
        self.manifest.entries.retain(|entry| entry.path != path);
        self.manifest.entries.push(Entry {
            path: path.to_owned(),
            object: self.writer.put(bytes).unwrap().digest,
            media: media.to_owned(),
            length: bytes.len() as u64,
            cache,
            access: Access::Public,
            title: None,
            fragments: Vec::new(),
            full: None,
        });
    }

    /// Adds a page as the build writes one with fragments: a text, then calls (`name?query`),
    /// each with its fallback and the text behind it.
    pub fn moving_page(&mut self, path: &str, begin: &str, calls: &[(&str, &str, &str)]) {
        let (mut html, mut fragments) = (begin.to_owned(), Vec::new());
        for (call, fallback, after) in calls {
            let (name, query) = call.split_once('?').unwrap_or((call, ""));
            let start = html.len();
            html.push_str(&format!("<littoral-fragment src=\"/_/fragment/{call}\">"));
            let from = html.len();
            html.push_str(fallback);
            let to = html.len();
            html.push_str("</littoral-fragment>");
            let (name, query) = (name.to_owned(), query.to_owned());
            fragments.push(Fragment { name, query, element: (start, html.len()), fallback: (from, to) });
            html.push_str(after);
        }
        self.page(path, &html);
        let entry = self.manifest.entries.iter_mut().find(|entry| entry.path == path);
        entry.expect("it was added just now").fragments = fragments;
    }

    /// Gives the page at `path` a title.
    pub fn title(&mut self, path: &str, title: &str) {
        let entry = self.manifest.entries.iter_mut().find(|entry| entry.path == path);
        entry.expect("there must be such a page").title = Some(title.to_owned());
    }

    pub fn redirect(&mut self, from: &str, to: &str) {
        let stub = self.writer.put(to.as_bytes()).unwrap().digest;
        let (from, to) = (from.to_owned(), to.to_owned());
        self.manifest.redirects.push(Redirect { from, to: to.clone(), stub, length: to.len() as u64 });
    }

    /// The shell `page`: holes title, head and main between the four texts.
    pub fn shell(&mut self, before_title: &str, before_head: &str, before_main: &str, end: &str) {
        let title = before_title.len();
        let head = title + before_head.len();
        let main = head + before_main.len();
        let object = self.writer.put([before_title, before_head, before_main, end].concat().as_bytes()).unwrap().digest;
        let holes = vec![("title".to_owned(), title), ("head".to_owned(), head), ("main".to_owned(), main)];
        self.manifest.shells.insert("page".to_owned(), Shell { object, holes, fragments: Vec::new() });
    }

    /// A template of `dynamic/`, its name without `.hbs`.
    pub fn template(&mut self, name: &str, text: &str) {
        self.manifest.templates.insert(name.to_owned(), self.writer.put(text.as_bytes()).unwrap().digest);
    }

    /// The form that is declared so.
    pub fn form(&mut self, name: &str, declaration: &str) {
        let (form, found) =
            Form::parse(name, &format!("dynamic/forms/{name}.yaml"), declaration, &self.manifest.site.edge);
        assert!(found.is_empty(), "{found:?}");
        self.manifest.forms.insert(name.to_owned(), form.unwrap());
    }

    /// The search index of these sections.
    pub fn search(&mut self, sections: Vec<Document>) {
        let name = search_index::write(&self.shelf, &self.manifest.site.language, sections).unwrap();
        self.manifest.search = Some(name);
    }

    pub fn publish(&self) {
        self.writer.publish(&self.manifest, None).unwrap();
    }
}

/// A running edge; it is stopped, and its folder removed, when it is dropped.
pub struct TestEdge {
    pub folder: Arc<TempDir>,
    pub edge: Edge,
    pub address: SocketAddr,
    client: Client,
    stop: Option<oneshot::Sender<()>>,
    running: JoinHandle<()>,
}

impl TestEdge {
    /// The small site, defaults.
    pub async fn start() -> Self {
        Self::with(quick(), |_| {}).await
    }

    /// The small site with something added.
    pub async fn with(options: Options, add: impl FnOnce(&mut Release)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut site = Release::in_folder(folder.path());
        add(&mut site);
        site.publish();
        drop(site);
        Self::serve(folder, options).await
    }

    /// The small site with something added, and these statements done in its store before.
    pub async fn with_rows(statements: &str, options: Options, add: impl FnOnce(&mut Release)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut site = Release::in_folder(folder.path());
        add(&mut site);
        site.publish();
        drop(site);
        let address = store_in(folder.path());
        let file = address.as_deref().unwrap_or("var/littoral.db");
        Store::open(&Address::parse(folder.path(), file).unwrap()).unwrap().close().await;
        match &address {
            Some(address) => postgres::execute(address, statements),
            None => {
                let store = rusqlite::Connection::open(folder.path().join(file)).unwrap();
                store.execute_batch(statements).unwrap();
            }
        }
        Self::serve(folder, Options { store: address, ..options }).await
    }

    /// Whatever site stands in `folder`.
    pub async fn serve(folder: TempDir, options: Options) -> Self {
        Self::serve_shared(Arc::new(folder), options).await
    }

    /// Another node over the same site and store.
    pub async fn beside(&self) -> Self {
        Self::serve_shared(Arc::clone(&self.folder), self.edge.options().clone()).await
    }

    async fn serve_shared(folder: Arc<TempDir>, options: Options) -> Self {
        let store = store_in(folder.path());
        let options = Options { store: options.store.or(store), ..options };
        let edge = Edge::open(folder.path(), options).unwrap();
        let server = Server::bind(edge.clone(), "127.0.0.1:0").await.unwrap();
        let address = server.local_addr();
        let (stop, stopped) = oneshot::channel();
        let running = tokio::spawn(server.run(async {
            let _ = stopped.await;
        }));
        let client = Client::builder().redirect(redirect::Policy::none()).timeout(PATIENCE).no_proxy().build().unwrap();
        Self { folder, edge, address, client, stop: Some(stop), running }
    }

    /// Publishes the small site again with something changed.
    pub fn publish(&self, change: impl FnOnce(&mut Release)) {
        let mut site = Release::in_folder(self.folder.path());
        change(&mut site);
        site.publish();
    }

    /// The first column of the first row, as text, asked past the edge.
    pub fn ask_store(&self, sql: &str) -> Option<String> {
        match &self.edge.options().store {
            Some(address) => postgres::query(address, sql),
            None => {
                let store = rusqlite::Connection::open(self.folder.path().join("var/littoral.db")).unwrap();
                let mut statement = store.prepare(sql).unwrap();
                let mut rows = statement.query([]).unwrap();
                rows.next().unwrap().map(|row| row.get(0).unwrap())
            }
        }
    }

    /// Changes something past the edge.
    pub fn execute(&self, sql: &str) {
        match &self.edge.options().store {
            Some(address) => postgres::execute(address, sql),
            None => {
                let store = rusqlite::Connection::open(self.folder.path().join("var/littoral.db")).unwrap();
                store.busy_timeout(PATIENCE).unwrap();
                store.execute_batch(sql).unwrap();
            }
        }
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("http://{}{path}", self.address))
    }

    pub async fn get(&self, path: &str) -> Response {
        self.request(Method::GET, path).send().await.unwrap()
    }

    /// GET with headers.
    pub async fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Response {
        let request = headers
            .iter()
            .fold(self.request(Method::GET, path), |request, (name, value)| request.header(*name, *value));
        request.send().await.unwrap()
    }

    pub async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Everything that comes back for these bytes, until the edge closes the connection. The
    /// client closes its own half only when `bytes` end.
    pub async fn raw(&self, bytes: impl AsRef<[u8]>) -> String {
        let mut stream = self.connect().await;
        // The edge may have closed already, as it should for a megabyte of header.
        let _ = stream.write_all(bytes.as_ref()).await;
        read_to_end(&mut stream).await
    }

    /// The edge is told to stop; ready when it has.
    pub async fn stop(mut self) {
        self.tell_to_stop();
        (&mut self.running).await.unwrap();
    }

    pub fn tell_to_stop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
    }
}

impl Drop for TestEdge {
    fn drop(&mut self) {
        self.running.abort();
    }
}

/// Where the store of the site in `folder` is, unless its configuration says it. These tests
/// are compiled twice: as `edge`, on SQLite, and as `edge_on_postgres`.
fn store_in(folder: &Path) -> Option<String> {
    static STORES: Mutex<BTreeMap<PathBuf, String>> = Mutex::new(BTreeMap::new());
    if !env!("CARGO_CRATE_NAME").ends_with("postgres") {
        return None;
    }
    if !postgres::is_here() {
        postgres::say_absent("The edge on PostgreSQL");
        return None;
    }
    // An edge that starts again in one folder finds what it left there.
    let mut stores = STORES.lock().unwrap();
    Some(stores.entry(folder.to_owned()).or_insert_with(|| postgres::fresh().unwrap()).clone())
}

/// Options with which a test does not wait.
pub fn quick() -> Options {
    Options { follow_every: Duration::from_millis(5), ..Options::default() }
}

/// The same, with other limits.
pub fn limited(limits: impl FnOnce(&mut Limits)) -> Options {
    let mut options = quick();
    limits(&mut options.limits);
    options
}

/// All that comes until the other side closes or resets the connection.
pub async fn read_to_end(stream: &mut TcpStream) -> String {
    let mut all = Vec::new();
    let mut chunk = [0; 4096];
    let reading = async {
        while let Ok(read @ 1..) = stream.read(&mut chunk).await {
            all.extend_from_slice(&chunk[..read]);
        }
    };
    tokio::time::timeout(PATIENCE, reading).await.expect("the edge must close the connection");
    String::from_utf8_lossy(&all).into_owned()
}

/// The value of a header, or nothing.
pub fn header(response: &Response, name: &str) -> String {
    response.headers().get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
}

/// Asks again until `is_it` is content with the body.
pub async fn wait_for(edge: &TestEdge, path: &str, is_it: impl Fn(&str) -> bool) -> String {
    let asking = async {
        loop {
            let body = edge.get(path).await.text().await.unwrap();
            if is_it(&body) {
                return body;
            }
        }
    };
    tokio::time::timeout(PATIENCE, asking).await.expect("the edge must come to answer so")
}
