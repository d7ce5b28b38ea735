//! Comments: what readers write below pages, and what moderators make of it.
//!
//! | route                              | does                                                |
//! |---|---|
//! | `GET /comments?page=PATH&sort=...` | a part of the comments of a page                    |
//! | `GET /comments/ID`                 | leads to a comment, wherever it stands              |
//! | `GET, POST /comments/new`          | shows the form; takes a comment                     |
//! | `GET /comments/said`               | says what became of it                              |
//! | `GET, POST /comments/confirm`      | a guest confirms what came under their address      |
//! | `GET /comments/ID/choices`         | what the reader can do with a comment               |
//! | `POST /comments/ID/like`, `/report`, `/delete` | does it                                 |
//! | `GET, POST /comments/ID/edit`      | its author changes it                               |
//! | `GET, POST /comments/unsubscribe`  | ends letters about a page                           |
//! | `GET /comments/feed?page=PATH`     | the newest as Atom, of a page or of all             |
//! | `GET /_/comments/live?page=PATH`   | says when there are new ones (SSE)                  |
//! | `GET, POST /admin/comments`        | moderators' queues                                  |
//! | `GET, POST /admin/comments/blocks` | what is not wanted again                            |
//!
//! ```text
//! text      Markdown of readers becomes HTML: a few elements, nothing else
//! page      which pages have comments, and for whom
//! shown     lists of comments: as a page, as a fragment
//! write     the form, and what comes by it
//! guest     confirming an address
//! choices   likes, reports, changes by the author
//! moderate  moderators' pages
//! feed      Atom
//! live      server-sent events
//! letters   who is told by mail, and how they end it
//! ```
//!
//! A page has comments when it places the fragment `comments`. The list in it is the same for
//! everyone and kept until a comment of that page changes; so it holds no buttons, only links:
//! to the form, and to the choices of a comment, which are made for one reader. Whoever may
//! not read a page is told nothing of its comments, by any of these routes.

mod choices;
mod feed;
mod guest;
mod letters;
mod live;
mod moderate;
mod page;
mod shown;
pub mod text;
mod write;

use warp::Filter;
use warp::filters::BoxedFilter;

use super::node::Edge;
use super::room::{self, Response};
use super::session::{For, Sessions, route};

pub(super) use letters::resume;
pub(super) use shown::{FormSource, ListSource};

/// The routes of this room.
pub(super) fn routes(edge: Edge) -> BoxedFilter<(Response,)> {
    Sessions::of(&edge).map_or_else(room::nothing, with_sessions)
}

fn with_sessions(sessions: Sessions) -> BoxedFilter<(Response,)> {
    let s = || sessions.clone();
    let everybody = For::Everybody;
    let get = room::get;
    let post = room::post;
    let reading = warp::path!("comments")
        .and(get())
        .and(route(s(), everybody, shown::list))
        .or(warp::path!("comments" / "said").and(get()).and(route(s(), everybody, write::said)))
        .unify()
        .or(warp::path!("comments" / "feed").and(get()).and(route(s(), everybody, feed::show)))
        .unify()
        .or(warp::path!("_" / "comments" / "live").and(get()).and(route(s(), everybody, live::stream)))
        .unify()
        .or(warp::path!("_" / "comments.js").and(get()).map(live::script))
        .unify()
        .boxed();
    let writing = warp::path!("comments" / "new")
        .and(get())
        .and(route(s(), everybody, write::show))
        .or(warp::path!("comments" / "new").and(post()).and(route(s(), everybody, write::take)))
        .unify()
        .or(warp::path!("comments" / "confirm").and(get()).and(route(s(), everybody, guest::ask)))
        .unify()
        .or(warp::path!("comments" / "confirm").and(post()).and(route(s(), everybody, guest::confirm)))
        .unify()
        .or(warp::path!("comments" / "unsubscribe").and(get()).and(route(s(), everybody, letters::ask)))
        .unify()
        .or(warp::path!("comments" / "unsubscribe").and(post()).and(route(s(), everybody, letters::unsubscribe)))
        .unify()
        .boxed();
    let moderating = warp::path!("admin" / "comments")
        .and(get())
        .and(route(s(), For::Members, moderate::queue))
        .or(warp::path!("admin" / "comments").and(post()).and(route(s(), For::Members, moderate::judge)))
        .unify()
        .or(warp::path!("admin" / "comments" / "blocks").and(get()).and(route(s(), For::Members, moderate::blocks)))
        .unify()
        .or(warp::path!("admin" / "comments" / "blocks").and(post()).and(route(s(), For::Members, moderate::block)))
        .unify()
        .boxed();
    reading.or(writing).unify().or(choices::routes(s())).unify().or(moderating).unify().boxed()
}
