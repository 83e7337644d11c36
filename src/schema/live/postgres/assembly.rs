//! The live schema in the reference's terms, from the rows of the catalogue.

use super::catalogue::{AttachmentRow, ColumnRow, ConstraintRow, Document, IndexRow, TableRow, TriggerRow};
use super::equivalence::{Doubt, Expression};
use super::texts::{Texts, is_same_default};
use crate::schema::dialect::postgres as dialect;
use crate::schema::live::{Rename, unify};
use crate::schema::model::{
    Action, Column, Constraint, EnumType, ForeignKey, Index, Rule, Schema, Shape, Table, Trigger, TriggerBody, Value,
};
use crate::schema::sql_tokens::rename_column;

/// The live schema in the reference's terms, and the expressions that seem to differ from the reference's.
pub(super) fn assemble(
    found: &Document,
    reference: &Schema,
    renames: &[Rename],
    texts: &Texts,
) -> (Schema, Vec<Doubt>) {
    let mut doubts = Vec::new();
    let mut schema = Schema::default();
    for wanted in &reference.tables {
        let Some(table) = found.tables.iter().flatten().find(|table| table.name == wanted.name) else { continue };
        schema.tables.push(Assembly { found, wanted, renames, texts, doubts: &mut doubts }.table(table));
    }
    for function in found.functions.iter().flatten() {
        schema.functions.push(function.neutral());
    }
    let wanted = reference.enum_types();
    let ours = |found: &&EnumType| wanted.iter().any(|wanted| wanted.name == found.name);
    let unused: Vec<EnumType> = {
        let used = schema.enum_types();
        let is_used = |found: &&EnumType| used.iter().any(|used| used.name == found.name);
        found.enums.iter().flatten().filter(ours).filter(|found| !is_used(found)).cloned().collect()
    };
    schema.unused_enums = unused;
    (schema, doubts)
}

struct Assembly<'a> {
    found: &'a Document,
    wanted: &'a Table,
    renames: &'a [Rename],
    texts: &'a Texts,
    doubts: &'a mut Vec<Doubt>,
}

impl Assembly<'_> {
    fn table(mut self, table: &TableRow) -> Table {
        let name = &self.wanted.name;
        let columns = self.found.columns.iter().flatten().filter(|row| row.table == *name);
        let columns: Vec<Column> = columns.map(|row| self.column(row)).collect();
        let constraints = self.found.constraints.iter().flatten().filter(|row| row.table == *name);
        let mut constraints: Vec<Constraint> = constraints.map(|row| self.constraint(row)).collect();
        let indexes = self.found.indexes.iter().flatten().filter(|row| row.table == *name);
        let mut indexes: Vec<Index> = indexes.map(|row| self.index(row)).collect();
        unify::uniques(self.wanted, self.renames, &mut constraints, &mut indexes);
        let triggers = self.found.triggers.iter().flatten().filter(|row| row.table == *name);
        let triggers: Vec<Trigger> = triggers.map(|row| self.trigger(row)).collect();
        let oddity = (table.persistence == "u").then(|| "UNLOGGED".to_owned());
        let comment = table.comment.clone();
        let attachments = self.found.attachments.iter().flatten().filter(|row| row.table == *name);
        let attachments = attachments.map(AttachmentRow::neutral).collect();
        let partitioned = table.kind == "p";
        let name = name.clone();
        Table { name, columns, constraints, indexes, triggers, oddity, comment, partitioned, attachments }
    }

    fn key(&self, name: &str) -> (String, String) {
        (self.wanted.name.clone(), name.to_owned())
    }

    fn renamed(&self, column: &str) -> String {
        Rename::apply(self.renames, &self.wanted.name, column).to_owned()
    }

    fn renamed_in(&self, sql: &str) -> String {
        let mine = self.renames.iter().filter(|rename| rename.table == self.wanted.name);
        mine.fold(sql.to_owned(), |sql, rename| rename_column(&sql, &rename.from, &rename.to))
    }

    fn column(&mut self, row: &ColumnRow) -> Column {
        let wanted = self.wanted.column(&self.renamed(&row.name)).and_then(|column| column.default.as_ref());
        let (name, nullable, comment) = (row.name.clone(), !row.required, row.comment.clone());
        let (collation, rule) = (row.collation.clone(), row.rule.clone());
        let made = Column { nullable, comment, collation, rule, ..Column::new(name, row.neutral()) };
        if row.identity == "d" || row.serial && wanted == Some(&Value::AutoIncrement) {
            return Column { default: Some(Value::AutoIncrement), ..made };
        }
        let default = row.default_text().map(|text| {
            let expected = self.texts.defaults.get(&self.key(&self.renamed(&row.name)));
            match (wanted, expected) {
                (Some(wanted), Some(expected)) if is_same_default(expected, &text) => wanted.clone(),
                (Some(_), _) => {
                    let what = format!("the default of {}.{}", self.wanted.name, row.name);
                    let is_plain = row.identity.is_empty() && row.generated.is_empty();
                    let objects = vec![self.renamed(&row.name)];
                    let expression = is_plain.then(|| Expression::Default(row.neutral()));
                    self.doubt(what, expression, &text, objects);
                    Value::Unsupported(text)
                }
                _ => Value::Unsupported(text),
            }
        });
        Column { default, ..made }
    }

    fn constraint(&mut self, row: &ConstraintRow) -> Constraint {
        let columns = row.columns.clone().unwrap_or_default();
        let rule = match (row.kind.as_str(), row.plain) {
            ("p", true) => Rule::PrimaryKey(columns),
            ("p", false) => Rule::UnsupportedPrimaryKey(row.definition.clone()),
            ("u", true) => Rule::Unique(columns),
            ("f", true) => Rule::ForeignKey(ForeignKey {
                columns,
                table: row.target.clone().unwrap_or_default(),
                references: row.references.clone().unwrap_or_default(),
                on_update: action(&row.on_update),
                on_delete: action(&row.on_delete),
            }),
            ("c", true) => self.check(row).unwrap_or_else(|| Rule::Unsupported(row.definition.clone())),
            _ => Rule::Unsupported(row.definition.clone()),
        };
        let rule = match rule {
            Rule::ForeignKey(_) if row.disabled => Rule::Disabled(Box::new(rule)),
            Rule::ForeignKey(_) | Rule::Check(_) if !row.valid => Rule::NotValid(Box::new(rule)),
            rule => rule,
        };
        Constraint { name: row.name.clone(), rule }
    }

    fn doubt(&mut self, what: String, expression: Option<Expression>, live: &str, objects: Vec<String>) {
        let (table, live) = (self.wanted.name.clone(), live.to_owned());
        self.doubts.push(Doubt { what, table, expression, live, objects });
    }

    /// The reference's check that means the same: the one of the same name first.
    fn check(&mut self, row: &ConstraintRow) -> Option<Rule> {
        let sql = self.renamed_in(row.check.as_deref()?);
        let mut checks: Vec<&Constraint> =
            self.wanted.constraints.iter().filter(|wanted| matches!(wanted.rule, Rule::Check(_))).collect();
        checks.sort_by_key(|wanted| wanted.name != row.name);
        let same = checks.iter().find(|wanted| self.texts.checks.get(&self.key(&wanted.name)) == Some(&sql));
        if same.is_none() && checks.iter().any(|wanted| !self.check_stands(&wanted.name)) {
            let objects = checks.iter().map(|wanted| wanted.name.clone()).collect();
            let what = format!("constraint {} on {}", row.name, self.wanted.name);
            self.doubt(what, Some(Expression::Check), &sql, objects);
        }
        same.map(|wanted| wanted.rule.clone())
    }

    /// Whether some live check is worded like the reference's of this name: then another one is simply another one.
    fn check_stands(&self, name: &str) -> bool {
        let text = self.texts.checks.get(&self.key(name));
        let mut mine = self.found.constraints.iter().flatten().filter(|row| row.table == self.wanted.name);
        mine.any(|row| row.check.as_deref().map(|sql| self.renamed_in(sql)).as_ref() == text)
    }

    /// The same for the condition of a partial index.
    fn filter_stands(&self, name: &str) -> bool {
        let text = self.texts.filters.get(&self.key(name));
        let mut mine = self.found.indexes.iter().flatten().filter(|row| row.table == self.wanted.name);
        mine.any(|row| row.filter.as_deref().map(|sql| self.renamed_in(sql)).as_ref() == text)
    }

    fn index(&mut self, row: &IndexRow) -> Index {
        let raw = Shape::Unsupported { definition: row.definition.clone() };
        let columns = row.columns.clone().unwrap_or_default();
        let shape = match (&row.filter, row.plain) {
            (_, false) => raw,
            (None, true) => Shape::Columns { columns, unique: row.unique, filter: None },
            (Some(filter), true) => self.filtered(row, &self.renamed_in(filter), columns).unwrap_or(raw),
        };
        Index { name: row.name.clone(), shape }
    }

    fn filtered(&mut self, row: &IndexRow, sql: &str, columns: Vec<String>) -> Option<Shape> {
        let mut candidates: Vec<(&str, &Shape)> = self
            .wanted
            .indexes
            .iter()
            .filter(|index| matches!(index.shape, Shape::Columns { filter: Some(_), .. }))
            .map(|index| (index.name.as_str(), &index.shape))
            .collect();
        candidates.sort_by_key(|(name, _)| *name != row.name);
        let same =
            candidates.iter().find(|(name, _)| self.texts.filters.get(&self.key(name)).is_some_and(|text| text == sql));
        if same.is_none() && candidates.iter().any(|(name, _)| !self.filter_stands(name)) {
            let objects = candidates.iter().map(|(name, _)| (*name).to_owned()).collect();
            self.doubt(format!("index {} on {}", row.name, self.wanted.name), Some(Expression::Filter), sql, objects);
        }
        match same {
            Some((_, Shape::Columns { filter, .. })) => {
                Some(Shape::Columns { columns, unique: row.unique, filter: filter.clone() })
            }
            _ => None,
        }
    }

    fn trigger(&mut self, row: &TriggerRow) -> Trigger {
        let wanted = self.wanted.triggers.iter().find_map(|trigger| match &trigger.body {
            TriggerBody::Postgres { function, .. } if trigger.name == row.name => Some((trigger, function)),
            _ => None,
        });
        let body = match (wanted, row.parts()) {
            (Some((wanted, function)), Some(parts)) => {
                if self.texts.triggers.get(&self.key(&row.name)) != Some(&parts) {
                    self.doubt(format!("trigger {} on {}", row.name, self.wanted.name), None, "", Vec::new());
                    None
                } else if row.enabled == "O" && row.schema == dialect::HOME && row.function == *function {
                    Some(wanted.body.clone())
                } else {
                    None
                }
            }
            _ => None,
        };
        let body = body.unwrap_or_else(|| {
            let off = if row.enabled == "D" { " -- disabled" } else { "" };
            TriggerBody::Unsupported(format!("{}{off}", row.definition))
        });
        Trigger { name: row.name.clone(), body }
    }
}

fn action(letter: &str) -> Action {
    match letter {
        "r" => Action::Restrict,
        "c" => Action::Cascade,
        "n" => Action::SetNull,
        "d" => Action::SetDefault,
        _ => Action::NoAction,
    }
}
