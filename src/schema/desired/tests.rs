//! What entities may declare, and what is refused by name.

use super::*;
use crate::entity::listed::values_of;
use crate::schema::model::{Kind, Value};

#[test]
fn every_entity_asks_for_what_a_schema_can_hold() {
    let schema = desired().unwrap();
    assert_eq!(table_names(), schema.tables.iter().map(|table| table.name.clone()).collect::<Vec<_>>());
    for table in &schema.tables {
        for column in &table.columns {
            assert!(!matches!(column.kind, Kind::Unsupported(_)), "{}.{}", table.name, column.name);
            assert!(!matches!(column.default, Some(Value::Unsupported(_))), "{}.{}", table.name, column.name);
        }
    }
}

#[test]
fn every_foreign_key_is_served_by_an_index() {
    for table in desired().unwrap().tables {
        for (name, key) in table.foreign_keys() {
            let leads = |columns: &[String]| columns.first() == key.columns.first();
            let served =
                table.indexes.iter().any(
                    |index| matches!(&index.shape, Shape::Columns { columns, filter: None, .. } if leads(columns)),
                ) || table
                    .constraints
                    .iter()
                    .any(|constraint| matches!(&constraint.rule, Rule::Unique(columns) if leads(columns)));
            assert!(served, "{name}");
        }
    }
}

#[test]
fn the_snapshot_comes_back_the_same() {
    let schema = desired().unwrap();
    let json = schema.to_json().unwrap();
    assert_eq!(Schema::from_json(&json).unwrap(), schema);
    assert_eq!(desired().unwrap().to_json().unwrap(), json);
}

/// One field of each type that SeaORM has a form for.
mod every_type {
    use sea_orm::entity::prelude::*;

    use crate::entity::listed::{Values, values_of};
    use crate::entity::types::{Id, List};
    use sea_orm::sea_query::ExprTrait;

    #[derive(Clone, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
    #[sea_orm(rs_type = "String", db_type = "Enum", enum_name = "mood")]
    pub enum Mood {
        #[sea_orm(string_value = "good")]
        Good,
        #[sea_orm(string_value = "it's bad")]
        Bad,
    }

    #[derive(Clone, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
    #[sea_orm(rs_type = "String", db_type = "String(StringLen::N(1))")]
    pub enum Letter {
        #[sea_orm(string_value = "A")]
        A,
        #[sea_orm(string_value = "'")]
        Quote,
    }

    #[derive(Clone, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
    #[sea_orm(rs_type = "i32", db_type = "Integer")]
    pub enum Number {
        #[sea_orm(num_value = 1)]
        One,
        #[sea_orm(num_value = -1)]
        Minus,
    }

    #[derive(Clone, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
    #[sea_orm(rs_type = "String", db_type = "Text")]
    pub enum Separator {
        #[sea_orm(string_value = ",")]
        Comma,
    }

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "everyType", rename_all = "camelCase", comment = "it's all there")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i64,
        pub plain: String,
        #[sea_orm(column_type = "String(StringLen::N(20))", default_value = "it's", comment = "who")]
        pub sized: String,
        #[sea_orm(column_type = "Char(Some(3))", unique_key = "pair")]
        pub code: String,
        #[sea_orm(unique_key = "pair")]
        pub small: i16,
        #[sea_orm(indexed, default_value = -5)]
        pub whole: i32,
        #[sea_orm(default_value = 5_000_000_000_i64)]
        pub big: i64,
        #[sea_orm(default_value = 1.5)]
        pub real: f32,
        pub double: Option<f64>,
        #[sea_orm(column_type = "Decimal(None)", select_as = "text", save_as = "decimal")]
        pub exact: String,
        #[sea_orm(column_type = "Decimal(Some((10, 2)))", default_value = "12.50")]
        pub price: Decimal,
        #[sea_orm(default_value = true)]
        pub truth: bool,
        #[sea_orm(default_expr = "Expr::cust(\"gen_random_uuid()\")")]
        pub uuid: Id,
        #[sea_orm(default_expr = "Expr::current_timestamp()")]
        pub at: DateTime,
        #[sea_orm(default_expr = "Expr::current_timestamp()")]
        pub instant: DateTimeUtc,
        #[sea_orm(column_type = "custom(\"timestamptz(3)\")")]
        pub rounded: DateTimeWithTimeZone,
        #[sea_orm(default_expr = "Expr::current_date()")]
        pub day: Date,
        #[sea_orm(default_value = "18:30")]
        pub time: Time,
        #[sea_orm(
            column_type = "Interval(None, None)",
            default_value = "1 day",
            select_as = "text",
            save_as = "interval"
        )]
        pub length: String,
        #[sea_orm(column_type = "Json")]
        pub json: Json,
        #[sea_orm(column_type = "JsonBinary", default_value = "{}")]
        pub jsonb: Json,
        pub bytes: Vec<u8>,
        #[sea_orm(column_type = "Inet", select_as = "text", save_as = "inet")]
        pub inet: String,
        #[sea_orm(column_type = "Cidr", select_as = "text", save_as = "cidr")]
        pub cidr: String,
        #[sea_orm(column_type = "MacAddr", select_as = "text", save_as = "macaddr")]
        pub mac: String,
        #[sea_orm(column_type = "Bit(Some(3))", select_as = "text", save_as = "varbit")]
        pub bit: String,
        #[sea_orm(column_type = "VarBit(8)", nullable, select_as = "text", save_as = "varbit")]
        pub varbit: String,
        #[sea_orm(default_value = "good")]
        pub mood: Mood,
        pub letter: Letter,
        pub number: Number,
        pub list: List<i32>,
        pub names: Option<List<String>>,
        pub letters: Option<List<Letter>>,
        pub numbers: Option<List<Number>>,
        pub moods: Option<List<Mood>>,
        #[sea_orm(default_expr = "Expr::val(2).add(3)")]
        pub sum: i32,
        #[sea_orm(column_name = "other", renamed_from = "former", comment = "renamed")]
        pub renamed: i32,
        #[sea_orm(ignore)]
        pub nothing: i32,
        pub parent: Option<i64>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {
        #[sea_orm(
            belongs_to = "Entity",
            from = "Column::Parent",
            to = "Column::Id",
            on_delete = "SetNull",
            on_update = "Cascade"
        )]
        Parent,
    }

    impl ActiveModelBehavior for ActiveModel {}

    impl Entity {
        pub const VALUES: &'static [(Column, Values)] = &[
            (Column::Letter, values_of::<Letter>),
            (Column::Number, values_of::<Number>),
            (Column::Letters, values_of::<Letter>),
            (Column::Numbers, values_of::<Number>),
        ];
    }
}

#[test]
fn every_type_and_attribute_is_honoured() {
    let table = table::<every_type::Entity>(every_type::Entity::VALUES).unwrap();
    let columns: Vec<String> = table
        .columns
        .iter()
        .map(|column| {
            let null = if column.nullable { " null" } else { "" };
            let default = column.default.as_ref().map_or_else(String::new, |default| format!(" = {default:?}"));
            let kind = crate::schema::dialect::postgres::kind(&column.kind);
            format!("{} {kind}{null}{default}", column.name)
        })
        .collect();
    insta::assert_snapshot!(columns.join("\n"));
    assert_eq!(table.comment.as_deref(), Some("it's all there"));
    let comment = |name: &str| table.column(name).unwrap().comment.clone();
    assert_eq!((comment("sized").as_deref(), comment("other").as_deref()), (Some("who"), Some("renamed")));
    let former = former::<every_type::Entity>();
    assert_eq!(former, [Rename { table: "everyType".into(), from: "former".into(), to: "other".into() }]);
    let names: Vec<&str> = table.constraints.iter().map(|constraint| constraint.name.as_str()).collect();
    let keys = ["everyType_pkey", "everyType_code_small_unique", "everyType_parent_everyType_id_fk"];
    let checks = ["letter", "number", "letters", "numbers"].map(|column| format!("everyType_{column}_check"));
    assert_eq!(names[..3], keys);
    assert_eq!(names[3..], checks);
    let (_, key) = table.foreign_keys().next().unwrap();
    assert_eq!((key.on_delete, key.on_update), (Action::SetNull, Action::Cascade));
    let names: Vec<&str> = table.indexes.iter().map(|index| index.name.as_str()).collect();
    assert_eq!(names, ["everyType_parent_idx", "everyType_whole_idx"]);
}

mod crew {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "crew")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub airline: i64,
        #[sea_orm(primary_key, auto_increment = false)]
        pub number: i32,
        pub boss: Option<i32>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {
        #[sea_orm(
            belongs_to = "super::every_type::Entity",
            from = "Column::Airline",
            to = "super::every_type::Column::Id"
        )]
        Airline,
        #[sea_orm(
            belongs_to = "Entity",
            from = "(Column::Airline, Column::Boss)",
            to = "(Column::Airline, Column::Number)"
        )]
        Boss,
        #[sea_orm(
            belongs_to = "super::every_type::Entity",
            from = "Column::Airline",
            to = "super::every_type::Column::Id"
        )]
        Again,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

#[test]
fn keys_that_share_a_column_share_no_name() {
    let table = table::<crew::Entity>(&[]).unwrap();
    let names: Vec<&str> = table.constraints.iter().map(|constraint| constraint.name.as_str()).collect();
    let keys = ["crew_airline_everyType_id_fk", "crew_airline_boss_crew_airline_number_fk"];
    assert_eq!(names, [&["crew_airline_number_pk"], keys.as_slice()].concat());
    let names: Vec<&str> = table.indexes.iter().map(|index| index.name.as_str()).collect();
    assert_eq!(names, ["crew_airline_idx", "crew_airline_boss_idx"]);
}

#[test]
fn a_declared_rename_leads_only_where_the_old_name_is() {
    let of = |names: &[&str]| {
        let columns = names.iter().map(|name| Column::new(*name, Kind::Text)).collect();
        Schema { tables: vec![Table { name: "t".into(), columns, ..Table::default() }], ..Schema::default() }
    };
    let rename = Rename { table: "t".into(), from: "old".into(), to: "new".into() };
    assert!(rename.leads(&of(&["old"]), &of(&["new"])));
    assert!(!rename.leads(&of(&["new"]), &of(&["new"])), "done already");
    assert!(!rename.leads(&of(&["old"]), &of(&["old"])), "not asked for");
    assert!(!rename.leads(&Schema::default(), &of(&["new"])), "a table not made yet");
}

/// What SQLite makes of it takes the defaults that it has, each of its type.
#[test]
fn defaults_of_every_type_pass_the_conditions_of_every_type() {
    let table = table::<every_type::Entity>(every_type::Entity::VALUES).unwrap();
    let database = rusqlite::Connection::open_in_memory().unwrap();
    let schema = Schema { tables: vec![table], ..Schema::default() };
    for statement in crate::schema::dialect::create(&schema, crate::db::Engine::Sqlite) {
        database.execute_batch(&statement.sql).unwrap();
    }
    let given = "plain, code, small, exact, rounded, json, bytes, inet, cidr, mac, bit, letter, number, list, other";
    let values = "'x', 'abc', 1, '1.25', '2025-01-05T10:30:00.123+00:00', '[]', X'00', '::1', '10.0.0.0/8', \
                  '08:00:2b:01:02:03', '101', 'A', 1, '[1]', 1";
    database.execute_batch(&format!("INSERT INTO \"everyType\" ({given}) VALUES ({values})")).unwrap();
    let read = |sql: &str| database.query_row(sql, [], |row| row.get::<_, String>(0)).unwrap();
    assert_eq!(read("SELECT id || sized || price || truth || mood || sum FROM \"everyType\""), "1it's12.51good5");
    let lists = "letters = '[\"A\",\"''\"]', numbers = '[1,-1,1]', moods = '[\"good\"]'";
    database.execute_batch(&format!("UPDATE \"everyType\" SET {lists}")).unwrap();
    for (column, wrong) in [
        ("sized", "'123456789012345678901'"),
        ("code", "'four'"),
        ("small", "32768"),
        ("price", "1.005"),
        ("price", "100000000"),
        ("exact", "'1e5'"),
        ("exact", "'x'"),
        ("rounded", "'2025-02-30T10:30:00+00:00'"),
        ("rounded", "'2025-01-05T10:30:00.1234+00:00'"),
        ("instant", "'2025-01-05 10:30:00'"),
        ("day", "'2025-02-29'"),
        ("day", "'20250105'"),
        ("time", "'25:00:00'"),
        ("json", "'{'"),
        ("inet", "'here'"),
        ("mac", "'08:00'"),
        ("bit", "'10'"),
        ("varbit", "'123'"),
        ("mood", "'ugly'"),
        ("letter", "'B'"),
        ("number", "0"),
        ("list", "'{}'"),
        ("list", "'['"),
        ("letters", "'[\"B\"]'"),
        ("letters", "'[null]'"),
        ("numbers", "'[1,-1,11]'"),
    ] {
        let refused = database.execute_batch(&format!("UPDATE \"everyType\" SET {column} = {wrong}")).unwrap_err();
        assert!(refused.to_string().starts_with("CHECK constraint failed"), "{column} {wrong}: {refused}");
    }
}

macro_rules! refused {
    ($name:ident, $entity:literal, $field:literal: $type:ty, $($attribute:tt)*) => {
        mod $name {
            use sea_orm::entity::prelude::*;

            #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
            #[sea_orm(table_name = $entity)]
            pub struct Model {
                #[sea_orm(primary_key)]
                pub id: i64,
                #[sea_orm(column_name = $field, $($attribute)*)]
                pub it: $type,
            }

            #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
            pub enum Relation {}

            impl ActiveModelBehavior for ActiveModel {}
        }
    };
}

refused!(unsigned, "one", "it": u32, nullable);
refused!(tiny, "one", "it": i8, nullable);
refused!(extra, "one", "it": i32, extra = "COLLATE x");
refused!(money, "one", "it": String, column_type = "Money(None)");
refused!(year, "one", "it": i32, column_type = "Year");
refused!(binary, "one", "it": Vec<u8>, column_type = "Binary(16)");
refused!(vector, "one", "it": String, column_type = "Vector(None)");
refused!(ltree, "one", "it": String, column_type = "LTree");
refused!(custom, "one", "it": String, column_type = "custom(\"citext\")");
refused!(fields, "one", "it": String, column_type = "Interval(None, Some(3))");
refused!(bare_list, "one", "it": Vec<i32>, nullable);
refused!(bare_uuid, "one", "it": Uuid, nullable);
refused!(network, "one", "it": IpNetwork, nullable);
refused!(interval, "one", "it": String, column_type = "Interval(None, None)");
refused!(bits, "one", "it": String, column_type = "Bit(Some(3))", select_as = "text");
refused!(many_digits, "one", "it": Decimal, nullable);
refused!(json_text, "one", "it": String, column_type = "JsonBinary");
refused!(default, "one", "it": i32, default_value = "x");
refused!(too_long, "one", "it": String, column_type = "String(StringLen::N(2))", default_value = "abc");
refused!(precise, "one", "it": Decimal, column_type = "Decimal(Some((3, 4)))");
refused!(system, "one", "ctid": String, nullable);
refused!(time_of_nothing, "one", "it": i32, default_expr = "Expr::current_timestamp()");
refused!(reserved, "sqlite_x", "it": i32, nullable);

mod named_as_the_servers {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
    #[sea_orm(rs_type = "String", db_type = "Enum", enum_name = "text")]
    pub enum Text {
        #[sea_orm(string_value = "a")]
        A,
    }

    #[derive(Clone, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
    #[sea_orm(rs_type = "String", db_type = "Enum", enum_name = "point")]
    pub enum Point {
        #[sea_orm(string_value = "a")]
        A,
    }
}

refused!(servers_text, "one", "it": super::named_as_the_servers::Text, nullable);
refused!(servers_point, "one", "it": super::named_as_the_servers::Point, nullable);
refused!(listed_text, "one", "it": super::every_type::Letter, nullable);
refused!(listed_number, "one", "it": Option<super::every_type::Number>, nullable);
refused!(list_of_listed, "one", "it": crate::entity::types::List<super::every_type::Letter>, nullable);
refused!(separated, "one", "it": crate::entity::types::List<super::every_type::Separator>, nullable);
refused!(no_value, "one", "it": super::every_type::Letter, default_value = "B");

mod keyed_by_text {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "one")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub it: Date,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

mod elsewhere {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "one", schema_name = "other")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// Never a silent text, never the words of a debugger: the field, what is wrong with it, and what to write instead.
#[test]
fn what_cannot_be_held_is_refused_by_entity_and_field() {
    let refusals = [
        table::<unsigned::Entity>(&[]),
        table::<tiny::Entity>(&[]),
        table::<extra::Entity>(&[]),
        table::<money::Entity>(&[]),
        table::<year::Entity>(&[]),
        table::<binary::Entity>(&[]),
        table::<vector::Entity>(&[]),
        table::<ltree::Entity>(&[]),
        table::<custom::Entity>(&[]),
        table::<fields::Entity>(&[]),
        table::<bare_list::Entity>(&[]),
        table::<bare_uuid::Entity>(&[]),
        table::<network::Entity>(&[]),
        table::<interval::Entity>(&[]),
        table::<bits::Entity>(&[]),
        table::<many_digits::Entity>(&[]),
        table::<json_text::Entity>(&[]),
        table::<default::Entity>(&[]),
        table::<too_long::Entity>(&[]),
        table::<precise::Entity>(&[]),
        table::<system::Entity>(&[]),
        table::<time_of_nothing::Entity>(&[]),
        table::<reserved::Entity>(&[]),
        table::<servers_text::Entity>(&[]),
        table::<servers_point::Entity>(&[]),
        table::<listed_text::Entity>(&[]),
        table::<listed_number::Entity>(&[]),
        table::<list_of_listed::Entity>(&[]),
        table::<separated::Entity>(&[(separated::Column::It, values_of::<every_type::Separator>)]),
        table::<no_value::Entity>(&[(no_value::Column::It, values_of::<every_type::Letter>)]),
        table::<keyed_by_text::Entity>(&[]),
        table::<elsewhere::Entity>(&[]),
    ];
    let words: Vec<String> = refusals
        .into_iter()
        .map(|refusal| match refusal.unwrap_err() {
            error @ (DesiredError::Field { .. } | DesiredError::Entity { .. }) => {
                let (DesiredError::Field { instead, .. } | DesiredError::Entity { instead, .. }) = &error;
                format!("{error} -> {instead}")
            }
        })
        .collect();
    insta::assert_snapshot!(words.join("\n"));
}
