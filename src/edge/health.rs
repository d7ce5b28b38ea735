//! Health: whether this edge can answer. Nothing about why: that is in its log.
//!
//! | route           | does                                                         |
//! |---|---|
//! | `GET /_/health` | 200 when the live release stands on the disk, otherwise 503  |

use serde_json::json;
use warp::filters::BoxedFilter;
use warp::http::StatusCode;
use warp::{Filter, Reply};

use super::node::Edge;
use super::refusal::Refusal;
use super::room::{self, Response};

/// The room's routes.
pub(super) fn routes(edge: Edge) -> BoxedFilter<(Response,)> {
    warp::path!("_" / "health").and(room::get()).and(room::with(edge)).then(health).map(room::answer).boxed()
}

async fn health(edge: Edge) -> Result<impl Reply, Refusal> {
    let (status, word) =
        if edge.is_well().await { (StatusCode::OK, "ok") } else { (StatusCode::SERVICE_UNAVAILABLE, "unwell") };
    Ok(warp::reply::with_status(warp::reply::json(&json!({ "status": word })), status))
}
