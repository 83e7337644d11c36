//! One change of a schema, as a plain value that knows its own inverse.
//!
//! A change says what becomes different, not the SQL for it; [`super::plan()`] writes that.

use super::model::{Column, Constraint, EnumType, Function, Index, Kind, Table, Trigger, Value};

/// What becomes different.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A new table, with its keys and checks; its indexes and triggers are changes of their own.
    CreateTable(Table),
    /// A table goes, with its rows.
    DropTable(Table),
    /// A live table becomes an ordinary one of ours.
    Normalise {
        /// The table.
        table: String,
        /// What it has been.
        oddity: String,
    },
    /// A column gets another name and keeps its values.
    RenameColumn {
        /// The table.
        table: String,
        /// Old name.
        from: String,
        /// New name.
        to: String,
    },
    /// A new column.
    AddColumn {
        /// The table.
        table: String,
        /// The column.
        column: Column,
    },
    /// A column goes, with its values.
    DropColumn {
        /// The table.
        table: String,
        /// The column.
        column: Column,
    },
    /// A column gets another type.
    AlterType {
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// Old type.
        from: Kind,
        /// New type.
        to: Kind,
    },
    /// A column gets another default, or none.
    SetDefault {
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// Old default.
        from: Option<Value>,
        /// New default.
        to: Option<Value>,
    },
    /// A column takes NULL, or no longer does.
    SetNullable {
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// Whether it takes NULL afterwards.
        to: bool,
    },
    /// A new key or check.
    AddConstraint {
        /// The table.
        table: String,
        /// The constraint.
        constraint: Constraint,
    },
    /// A key or check goes.
    DropConstraint {
        /// The table.
        table: String,
        /// The constraint.
        constraint: Constraint,
    },
    /// A unique index becomes the primary key that it has been in all but name; all that depends on it stays. PostgreSQL
    /// only.
    PromoteIndex {
        /// The table.
        table: String,
        /// The index.
        index: Index,
        /// The key.
        constraint: Constraint,
    },
    /// A key or check holds for the rows that were there before it, too. PostgreSQL only.
    ValidateConstraint {
        /// The table.
        table: String,
        /// The constraint.
        constraint: Constraint,
    },
    /// A key or check gets another name.
    RenameConstraint {
        /// The table.
        table: String,
        /// Old name.
        from: String,
        /// The constraint under its new name.
        to: Constraint,
    },
    /// A new index.
    CreateIndex {
        /// The table.
        table: String,
        /// The index.
        index: Index,
    },
    /// An index goes.
    DropIndex {
        /// The table.
        table: String,
        /// The index.
        index: Index,
    },
    /// An index gets another name.
    RenameIndex {
        /// The table.
        table: String,
        /// Old name.
        from: String,
        /// The index under its new name.
        to: Index,
    },
    /// A new trigger.
    CreateTrigger {
        /// The table.
        table: String,
        /// The trigger.
        trigger: Trigger,
    },
    /// A trigger goes.
    DropTrigger {
        /// The table.
        table: String,
        /// The trigger.
        trigger: Trigger,
    },
    /// A new enum type. PostgreSQL only, as all that is about enum types.
    CreateEnum(EnumType),
    /// An enum type goes.
    DropEnum(EnumType),
    /// An enum type gets a value more. Nothing in the same transaction may use it.
    AddEnumValue {
        /// The type as it has been.
        of: EnumType,
        /// The new value.
        value: String,
        /// The value that it comes before; none where it comes last.
        before: Option<String>,
    },
    /// An enum type is set aside, and another made under its name: for values that go or change their order, and for
    /// new ones that are used at once. Its columns become of the new one by changes of their own.
    RemakeEnum {
        /// The type as it has been.
        from: EnumType,
        /// The type as it is to be.
        to: EnumType,
    },
    /// An enum type that was set aside goes.
    DropFormerEnum {
        /// The type as it has been.
        from: EnumType,
        /// The type that took its place.
        to: EnumType,
    },
    /// A table, or a column of it, gets another comment, or none. PostgreSQL only.
    SetComment {
        /// The table.
        table: String,
        /// The column.
        column: Option<String>,
        /// Old comment.
        from: Option<String>,
        /// New comment.
        to: Option<String>,
    },
    /// A new trigger function.
    CreateFunction(Function),
    /// A trigger function gets another body.
    ReplaceFunction {
        /// As it has been.
        from: Function,
        /// As it is to be.
        to: Function,
    },
    /// A trigger function goes.
    DropFunction(Function),
}

impl Change {
    /// The table it is about; none for functions and enum types.
    pub(crate) fn table(&self) -> Option<&str> {
        match self {
            Self::CreateTable(table) | Self::DropTable(table) => Some(&table.name),
            Self::Normalise { table, .. }
            | Self::RenameColumn { table, .. }
            | Self::AddColumn { table, .. }
            | Self::DropColumn { table, .. }
            | Self::AlterType { table, .. }
            | Self::SetDefault { table, .. }
            | Self::SetNullable { table, .. }
            | Self::AddConstraint { table, .. }
            | Self::DropConstraint { table, .. }
            | Self::PromoteIndex { table, .. }
            | Self::ValidateConstraint { table, .. }
            | Self::RenameConstraint { table, .. }
            | Self::CreateIndex { table, .. }
            | Self::DropIndex { table, .. }
            | Self::RenameIndex { table, .. }
            | Self::CreateTrigger { table, .. }
            | Self::SetComment { table, .. }
            | Self::DropTrigger { table, .. } => Some(table),
            Self::CreateEnum(_)
            | Self::DropEnum(_)
            | Self::AddEnumValue { .. }
            | Self::RemakeEnum { .. }
            | Self::DropFormerEnum { .. }
            | Self::CreateFunction(_)
            | Self::ReplaceFunction { .. }
            | Self::DropFunction(_) => None,
        }
    }

    /// What it does, in a few words.
    pub fn what(&self) -> String {
        match self {
            Self::CreateTable(table) => format!("create table {}", table.name),
            Self::DropTable(table) => format!("drop table {}", table.name),
            Self::Normalise { table, oddity } => format!("make table {table} an ordinary one (it is {oddity})"),
            Self::RenameColumn { table, from, to } => format!("rename column {table}.{from} to {to}"),
            Self::AddColumn { table, column } => format!("add column {table}.{}", column.name),
            Self::DropColumn { table, column } => format!("drop column {table}.{}", column.name),
            Self::AlterType { table, column, .. } => format!("change the type of {table}.{column}"),
            Self::SetDefault { table, column, to: None, .. } => format!("drop the default of {table}.{column}"),
            Self::SetDefault { table, column, .. } => format!("set the default of {table}.{column}"),
            Self::SetNullable { table, column, to: true } => format!("allow NULL in {table}.{column}"),
            Self::SetNullable { table, column, to: false } => format!("refuse NULL in {table}.{column}"),
            Self::AddConstraint { constraint, .. } => format!("add constraint {}", constraint.name),
            Self::DropConstraint { constraint, .. } => format!("drop constraint {}", constraint.name),
            Self::PromoteIndex { index, constraint, .. } => {
                format!("make index {} the primary key {}", index.name, constraint.name)
            }
            Self::ValidateConstraint { constraint, .. } => format!("validate constraint {}", constraint.name),
            Self::RenameConstraint { from, to, .. } => format!("rename constraint {from} to {}", to.name),
            Self::CreateIndex { index, .. } => format!("create index {}", index.name),
            Self::DropIndex { index, .. } => format!("drop index {}", index.name),
            Self::RenameIndex { from, to, .. } => format!("rename index {from} to {}", to.name),
            Self::CreateTrigger { trigger, .. } => format!("create trigger {}", trigger.name),
            Self::DropTrigger { trigger, .. } => format!("drop trigger {}", trigger.name),
            Self::CreateEnum(of) => format!("create type {}", of.name),
            Self::DropEnum(of) => format!("drop type {}", of.name),
            Self::AddEnumValue { of, value, .. } => format!("add value {value:?} to type {}", of.name),
            Self::RemakeEnum { from, to } => {
                let gone = from.values.iter().filter(|value| !to.values.contains(value));
                match gone.map(|value| format!("{value:?}")).collect::<Vec<_>>().as_slice() {
                    [] => format!("make type {} anew", to.name),
                    gone => format!("make type {} anew without {}", to.name, gone.join(", ")),
                }
            }
            Self::DropFormerEnum { to, .. } => format!("drop the former type {}", to.name),
            Self::SetComment { table, column: None, .. } => format!("set the comment of {table}"),
            Self::SetComment { table, column: Some(column), .. } => format!("set the comment of {table}.{column}"),
            Self::CreateFunction(function) => format!("create function skyteam.{}", function.name),
            Self::ReplaceFunction { to, .. } => format!("replace function skyteam.{}", to.name),
            Self::DropFunction(function) => format!("drop function skyteam.{}", function.name),
        }
    }

    /// The change that takes this one back: the schema, and not the values that were lost.
    #[must_use]
    pub(crate) fn inverse(&self) -> Self {
        match self.clone() {
            Self::CreateTable(table) => Self::DropTable(table),
            Self::DropTable(table) => Self::CreateTable(table),
            // What a table oddly was is not worth restoring, and cannot always be.
            change @ Self::Normalise { .. } => change,
            Self::RenameColumn { table, from, to } => Self::RenameColumn { table, from: to, to: from },
            Self::AddColumn { table, column } => Self::DropColumn { table, column },
            Self::DropColumn { table, column } => Self::AddColumn { table, column },
            Self::AlterType { table, column, from, to } => Self::AlterType { table, column, from: to, to: from },
            Self::SetDefault { table, column, from, to } => Self::SetDefault { table, column, from: to, to: from },
            Self::SetNullable { table, column, to } => Self::SetNullable { table, column, to: !to },
            Self::AddConstraint { table, constraint } => Self::DropConstraint { table, constraint },
            Self::DropConstraint { table, constraint } => Self::AddConstraint { table, constraint },
            Self::PromoteIndex { table, constraint, .. } => Self::DropConstraint { table, constraint },
            // PostgreSQL forgets no proof; the constraint goes with its own change.
            change @ Self::ValidateConstraint { .. } => change,
            Self::RenameConstraint { table, from, to } => {
                Self::RenameConstraint { table, from: to.name, to: Constraint { name: from, rule: to.rule } }
            }
            Self::CreateIndex { table, index } => Self::DropIndex { table, index },
            Self::DropIndex { table, index } => Self::CreateIndex { table, index },
            Self::RenameIndex { table, from, to } => {
                Self::RenameIndex { table, from: to.name, to: Index { name: from, shape: to.shape } }
            }
            Self::CreateTrigger { table, trigger } => Self::DropTrigger { table, trigger },
            Self::DropTrigger { table, trigger } => Self::CreateTrigger { table, trigger },
            Self::CreateEnum(of) => Self::DropEnum(of),
            Self::DropEnum(of) => Self::CreateEnum(of),
            // PostgreSQL takes no value away; the type as it was is made anew where a way down needs it.
            change @ Self::AddEnumValue { .. } => change,
            Self::RemakeEnum { from, to } => Self::DropFormerEnum { from: to, to: from },
            Self::DropFormerEnum { from, to } => Self::RemakeEnum { from: to, to: from },
            Self::SetComment { table, column, from, to } => Self::SetComment { table, column, from: to, to: from },
            Self::CreateFunction(function) => Self::DropFunction(function),
            Self::ReplaceFunction { from, to } => Self::ReplaceFunction { from: to, to: from },
            Self::DropFunction(function) => Self::CreateFunction(function),
        }
    }
}
