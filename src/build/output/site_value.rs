//! What layouts see of the site as a whole: `site`.

use serde_json::{Value, json};

use crate::build::model::Site;
use crate::site::meter::SearchEngines;

/// The value of `site` in layouts.
pub fn describe(site: &Site) -> Value {
    let config = &site.config;
    json!({
        "title": config.title,
        "base_url": config.base_url,
        "language": config.language,
        "description": config.description,
        "author": config.author,
        "search": config.search,
        "accounts": config.edge.accounts,
        "meter": {
            "free": config.edge.meter.free,
            "period": config.edge.meter.period.word(),
            "free_for_visitors": config.edge.meter.free_for_visitors,
            "is_unlisted": config.edge.meter.search_engines == SearchEngines::None,
        },
        "newsletter": config.edge.newsletter.open.then(|| json!({
            "topics": config.edge.newsletter.topics.iter().map(|(name, title)| json!({ "name": name, "title": title }))
                .collect::<Vec<_>>(),
        })),
        "feed": if config.feed.limit > 0 { Value::from(config.feed.path.as_str()) } else { Value::Null },
        "extra": config.extra,
    })
}
