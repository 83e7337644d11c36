//! The rows of `catalogue.sql`, and each in the model's terms as far as it needs no reference.

use serde::Deserialize;

use crate::schema::dialect::postgres as dialect;
use crate::schema::model::{Attachment, EnumType, Function, Kind, Property};

#[derive(Deserialize)]
pub(in crate::schema::live) struct Document {
    /// The search path that the transaction had.
    pub(super) path: String,
    pub(super) version: u32,
    pub(super) tables: Option<Vec<TableRow>>,
    pub(super) columns: Option<Vec<ColumnRow>>,
    pub(super) enums: Option<Vec<EnumType>>,
    pub(super) constraints: Option<Vec<ConstraintRow>>,
    pub(super) indexes: Option<Vec<IndexRow>>,
    pub(super) triggers: Option<Vec<TriggerRow>>,
    pub(super) functions: Option<Vec<FunctionRow>>,
    pub(super) attachments: Option<Vec<AttachmentRow>>,
    pub(super) rights: RightsRow,
}

#[derive(Deserialize)]
pub(super) struct TableRow {
    pub(super) name: String,
    pub(super) kind: String,
    pub(super) persistence: String,
    pub(super) owner: String,
    pub(super) owned: bool,
    pub(super) comment: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct ColumnRow {
    pub(super) table: String,
    pub(super) name: String,
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) required: bool,
    pub(super) default: Option<String>,
    pub(super) identity: String,
    pub(super) generated: String,
    pub(super) serial: bool,
    pub(super) comment: Option<String>,
    pub(super) collation: Option<String>,
    pub(super) rule: Option<String>,
    pub(super) array: bool,
    #[serde(rename = "enum")]
    pub(super) values: Option<EnumType>,
}

#[derive(Deserialize)]
pub(super) struct ConstraintRow {
    pub(super) table: String,
    pub(super) name: String,
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) columns: Option<Vec<String>>,
    pub(super) target: Option<String>,
    pub(super) references: Option<Vec<String>>,
    pub(super) on_update: String,
    pub(super) on_delete: String,
    pub(super) check: Option<String>,
    pub(super) plain: bool,
    /// Whether it holds for the rows that were there before it.
    pub(super) valid: bool,
    /// Whether one of its triggers is switched off.
    pub(super) disabled: bool,
    pub(super) definition: String,
}

#[derive(Deserialize)]
pub(super) struct IndexRow {
    pub(super) table: String,
    pub(super) name: String,
    pub(super) unique: bool,
    pub(super) columns: Option<Vec<String>>,
    pub(super) filter: Option<String>,
    pub(super) plain: bool,
    pub(super) definition: String,
}

#[derive(Deserialize)]
pub(super) struct TriggerRow {
    pub(super) table: String,
    pub(super) name: String,
    pub(super) enabled: String,
    pub(super) definition: String,
    pub(super) head: String,
    pub(super) on: String,
    pub(super) schema: String,
    pub(super) function: String,
}

#[derive(Deserialize)]
pub(super) struct AttachmentRow {
    pub(super) table: String,
    object: String,
    property: String,
    value: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct FunctionRow {
    pub(super) name: String,
    pub(super) body: String,
    pub(super) language: String,
    pub(super) definer: bool,
    pub(super) config: Option<Vec<String>>,
    pub(super) owner: String,
    pub(super) owned: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RightsRow {
    pub(super) role: String,
    pub(super) public: bool,
    pub(super) create_in_public: bool,
    pub(super) create_schema: bool,
    pub(super) home: bool,
    pub(super) use_home: bool,
    pub(super) create_in_home: bool,
    pub(super) migrations: bool,
    pub(super) read_record: bool,
    pub(super) write_record: bool,
}

impl ColumnRow {
    pub(super) fn neutral(&self) -> Kind {
        match (&self.values, self.array) {
            (Some(of), false) => Kind::Enum(of.clone()),
            (Some(of), true) => Kind::Array(Box::new(Kind::Enum(of.clone()))),
            (None, _) => Kind::from_postgres(&self.kind).unwrap_or_else(|| Kind::Unsupported(self.kind.clone())),
        }
    }

    /// The default; for an identity or generated column what makes its values, which is no default at all.
    pub(super) fn default_text(&self) -> Option<String> {
        match (self.identity.as_str(), self.generated.as_str()) {
            ("a", _) => Some("GENERATED ALWAYS AS IDENTITY".to_owned()),
            ("d", _) => Some(dialect::IDENTITY.to_owned()),
            (_, "") => self.default.clone(),
            (_, kept) => {
                let kept = if kept == "v" { "VIRTUAL" } else { "STORED" };
                Some(format!("GENERATED ALWAYS AS ({}) {kept}", self.default.as_deref().unwrap_or_default()))
            }
        }
    }
}

impl AttachmentRow {
    pub(super) fn neutral(&self) -> Attachment {
        let value = self.value.clone().unwrap_or_default();
        let property = match self.property.as_str() {
            "identity" => Property::ReplicaIdentity,
            "cluster" => Property::Cluster,
            "index comment" => Property::IndexComment(value),
            "constraint comment" => Property::ConstraintComment(value),
            "parameters" => Property::Parameters(value),
            "tablespace" => Property::Tablespace(value),
            "compression" => Property::Compression(value),
            _ => Property::Storage(value),
        };
        Attachment { object: self.object.clone(), property }
    }
}

impl TriggerRow {
    /// When it fires, and for what: the definition without its names.
    pub(super) fn parts(&self) -> Option<(String, String)> {
        let tail = self.definition.strip_prefix(&self.head)?;
        let (fires, tail) = tail.split_once(&self.on)?;
        let (each, _) = tail.rsplit_once(" EXECUTE FUNCTION ")?;
        Some((fires.to_owned(), each.to_owned()))
    }
}

impl FunctionRow {
    pub(super) fn neutral(&self) -> Function {
        let ours = self.language == "plpgsql"
            && !self.definer
            && self.config.as_deref() == Some(&[dialect::FUNCTION_CONFIG.to_owned()]);
        let oddity = (!ours).then(|| {
            let definer = if self.definer { " SECURITY DEFINER" } else { "" };
            format!("LANGUAGE {}{definer} {}", self.language, self.config.clone().unwrap_or_default().join(" "))
        });
        Function { name: self.name.clone(), body: self.body.clone(), oddity }
    }
}
