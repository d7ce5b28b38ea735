//! The API as programs read it: a document of OpenAPI 3.1, made of what is open and of how the
//! tables are now.
//!
//! Whoever asks is told of the tables that they may read, and no others.

use serde_json::{Map, Value, json};

use super::problem::Problem;
use super::{Call, ROOT, authority};
use crate::edge::room::Response;
use crate::site::api::{LIMIT, MOST_ROWS, ROWS, Right, TableApi};
use crate::site::config::OpenTable;
use crate::site::data_page::Filter;
use crate::site::table::{ColumnName, ColumnType, TableName};
use crate::store::tables::Table;

/// `GET /openapi.json`
pub(super) async fn document(call: &Call) -> Result<Response, Problem> {
    let caller = authority::caller(call).await?;
    let ready = call.edge.data_ready(&call.release, "").await;
    let ready = ready.map_err(|error| Problem::of_store("the document of the API", &error))?;
    let (mut paths, mut schemas) = (Map::new(), Map::new());
    schemas.insert("Problem".to_owned(), problem());
    for (name, open, api) in call.release.api_tables() {
        let is_there = ready.fault(&crate::edge::data_page::ready::Ready::of_api(name)).is_ok();
        let Some(table) = ready.reads.table(name).filter(|_| is_there) else { continue };
        if caller.may(&call.release, name, Right::Read).is_err() {
            continue;
        }
        let described = Described { name, open, api, table };
        schemas.insert(name.to_string(), described.row());
        if !api.write.is_empty() {
            // No table has a point in its name.
            schemas.insert(format!("{name}.values"), described.values());
            schemas.insert(format!("{name}.new"), described.new_row());
        }
        paths.insert(format!("/tables/{name}/rows"), described.rows_path());
        paths.insert(format!("/tables/{name}/rows/{{key}}"), described.row_path());
        paths.insert(format!("/tables/{name}/changes"), described.changes_path());
    }
    let site = &call.release.site;
    let document = json!({
        "openapi": "3.1.0",
        "info": { "title": site.title, "version": "1" },
        "servers": [{ "url": ROOT }],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": { "token": { "type": "http", "scheme": "bearer" } },
        },
        // Without one, what is open to everyone can be read.
        "security": [{}, { "token": [] }],
    });
    call.conditional(&document, None)
}

struct Described<'d> {
    name: &'d TableName,
    open: &'d OpenTable,
    api: &'d TableApi,
    table: &'d Table,
}

impl Described<'_> {
    fn kind(&self, column: &ColumnName) -> ColumnType {
        self.table.column(column).map_or(ColumnType::Text, |column| column.kind)
    }

    /// A column's values, as they are read.
    fn column(&self, column: &ColumnName) -> Value {
        let mut schema = in_json(self.kind(column));
        if *column != self.table.key {
            schema["type"] = json!([schema["type"], "null"]);
        }
        schema
    }

    fn row(&self) -> Value {
        let columns = || self.open.columns.iter().filter(|column| self.table.column(column).is_some());
        let properties: Map<String, Value> =
            columns().map(|column| (column.to_string(), self.column(column))).collect();
        let required: Vec<&ColumnName> = columns().collect();
        json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false })
    }

    /// What a request may set of a row that is there.
    fn values(&self) -> Value {
        let set = self.api.write.iter().filter(|column| **column != self.table.key);
        let properties: Map<String, Value> = set
            .map(|column| {
                let mut schema = self.column(column);
                if self.kind(column) == ColumnType::Text {
                    // PostgreSQL has no NUL in texts.
                    schema["pattern"] = json!("^[^\\u0000]*$");
                }
                (column.to_string(), schema)
            })
            .collect();
        json!({ "type": "object", "properties": properties, "additionalProperties": false })
    }

    /// What a new row may have: its key, too, where that can be said.
    fn new_row(&self) -> Value {
        let mut schema = self.values();
        let key = &self.table.key;
        if self.api.write.contains(key) {
            schema["properties"][key.as_str()] = self.key();
            if self.kind(key) == ColumnType::Text {
                schema["required"] = json!([key]);
            }
        }
        schema
    }

    /// A key, as it can stand in a path of this site.
    fn key(&self) -> Value {
        let mut schema = in_json(self.kind(&self.table.key));
        if self.kind(&self.table.key) == ColumnType::Text {
            schema["minLength"] = json!(1);
            schema["maxLength"] = json!(200);
            schema["pattern"] = json!(r"^(?!\.{1,2}$)[^\u0000-\u001f\u007f-\u009f/\\%]+$");
        }
        schema
    }

    fn rows_path(&self) -> Value {
        let name = self.name;
        let query = |name: &str, schema: Value| json!({ "name": name, "in": "query", "schema": schema });
        let mut parameters =
            vec![query(LIMIT, json!({ "type": "integer", "minimum": 1, "maximum": MOST_ROWS, "default": ROWS }))];
        if !self.open.search.is_empty() {
            parameters.push(query("q", said(ColumnType::Text)));
        }
        if self.api.sort.len() > 1 {
            let orders: Vec<String> = self.api.sort.iter().map(ToString::to_string).collect();
            parameters.push(query("sort", json!({ "type": "string", "enum": orders })));
        }
        for (column, filter) in &self.api.filters {
            let schema = said(self.kind(column));
            match filter {
                Filter::Equals => parameters.push(query(column.as_str(), schema)),
                Filter::Range => {
                    parameters.push(query(&format!("{column}_min"), schema.clone()));
                    parameters.push(query(&format!("{column}_max"), schema));
                }
            }
        }
        let link = json!({ "type": ["string", "null"], "format": "uri-reference" });
        let page = json!({
            "type": "object",
            "properties": {
                "rows": { "type": "array", "items": self.reference("") },
                "next": link,
                "previous": link,
            },
            "required": ["rows", "next", "previous"],
        });
        let mut path = json!({
            "get": {
                "operationId": format!("list_{name}"),
                "description": "The other pages are at `next` and `previous`: what these say of a place is not to be made up.",
                "parameters": parameters,
                "responses": { "200": answer("A page of rows", page), "default": refusal() },
            },
        });
        if self.makes_rows() {
            path["post"] = json!({
                "operationId": format!("create_{name}"),
                "requestBody": self.body(".new"),
                "responses": { "201": answer("The new row", self.reference("")), "default": refusal() },
                "security": [{ "token": [] }],
            });
        }
        path
    }

    fn row_path(&self) -> Value {
        let name = self.name;
        let found = |words: &str| json!({ "200": answer(words, self.reference("")), "default": refusal() });
        let mut path = json!({
            "parameters": [{ "name": "key", "in": "path", "required": true, "schema": self.key() }],
            "get": { "operationId": format!("get_{name}"), "responses": found("The row") },
        });
        if !self.api.write.is_empty() {
            let token = json!([{ "token": [] }]);
            let mut put = found("The row as it is now");
            put["201"] = answer("The new row", self.reference(""));
            path["put"] = json!({
                "operationId": format!("put_{name}"),
                "requestBody": self.body(".values"),
                "responses": put,
                "security": token,
            });
            path["patch"] = json!({
                "operationId": format!("change_{name}"),
                "requestBody": self.body(".values"),
                "responses": found("The row as it is now"),
                "security": token,
            });
            path["delete"] = json!({
                "operationId": format!("remove_{name}"),
                "responses": { "204": { "description": "The row is gone" }, "default": refusal() },
                "security": token,
            });
        }
        path
    }

    fn changes_path(&self) -> Value {
        let number = |name: &str, most: u32| json!({ "name": name, "in": "query", "schema": { "type": "integer", "minimum": 0, "maximum": most } });
        let key = in_json(self.kind(&self.table.key));
        let change = json!({
            "type": "object",
            "properties": {
                "number": { "type": "integer" },
                "deed": { "enum": ["created", "changed", "removed", "imported"] },
                "key": { "type": [key["type"], "null"] },
                "at": { "type": "string", "format": "date-time" },
            },
            "required": ["number", "deed", "key", "at"],
        });
        let feed = json!({
            "type": "object",
            "properties": { "changes": { "type": "array", "items": change }, "next": { "type": "integer" } },
            "required": ["changes", "next"],
        });
        json!({
            "get": {
                "operationId": format!("follow_{}", self.name),
                "parameters": [
                    { "name": "after", "in": "query", "schema": { "type": "integer", "minimum": 0, "maximum": i64::MAX } },
                    { "name": LIMIT, "in": "query", "schema": { "type": "integer", "minimum": 1, "maximum": MOST_ROWS } },
                    number("wait", 25),
                ],
                "responses": { "200": answer("What has changed", feed), "default": refusal() },
            },
        })
    }

    fn makes_rows(&self) -> bool {
        let key = &self.table.key;
        !self.api.write.is_empty() && (self.api.write.contains(key) || self.kind(key) == ColumnType::Integer)
    }

    fn reference(&self, which: &str) -> Value {
        json!({ "$ref": format!("#/components/schemas/{}{which}", self.name) })
    }

    fn body(&self, which: &str) -> Value {
        json!({ "required": true, "content": { "application/json": { "schema": self.reference(which) } } })
    }
}

fn in_json(kind: ColumnType) -> Value {
    match kind {
        ColumnType::Integer => {
            json!({ "type": "integer", "format": "int64", "minimum": i64::MIN, "maximum": i64::MAX })
        }
        ColumnType::Real => json!({ "type": "number" }),
        ColumnType::Text => json!({ "type": "string" }),
        ColumnType::Blob => json!({ "type": "string", "contentEncoding": "base64", "format": "byte" }),
    }
}

/// What may be said of a column in an address.
fn said(kind: ColumnType) -> Value {
    let mut schema = in_json(kind);
    if kind == ColumnType::Text {
        schema["minLength"] = json!(1);
        schema["maxLength"] = json!(200);
        schema["pattern"] = json!(r"^(?=.*\S)[^\u0000-\u0008\u000b-\u001f\u007f-\u009f]*$");
    }
    schema
}

fn answer(words: &str, schema: Value) -> Value {
    json!({ "description": words, "content": { "application/json": { "schema": schema } } })
}

fn refusal() -> Value {
    answer("Why not", json!({ "$ref": "#/components/schemas/Problem" }))
}

fn problem() -> Value {
    json!({
        "type": "object",
        "properties": { "error": { "type": "string" }, "message": { "type": "string" }, "status": { "type": "integer" } },
        "required": ["error", "message", "status"],
    })
}
