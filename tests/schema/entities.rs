//! The entities on the tables that a push makes: what goes in comes out, in the same text on both engines.

use sea_orm::{ActiveModelTrait, EntityTrait, Set};
use skyteam::db::{self, DatabaseUrl};
use skyteam::entity::{Id, MilesTransaction, Timestamp, miles_transaction, user};

use crate::support::{World, block_on, both};

#[both]
fn ids_and_times_come_back_as_they_went_in_and_read_alike(world: &mut World) {
    world.run("db push").ok();
    let id: Id = "6e1fcd70-4528-4d8b-a6d6-bbedb9210096".parse().unwrap();
    let at: Timestamp = "2025-01-05T10:30:00.12Z".parse().unwrap();
    let read = block_on(async {
        let url = DatabaseUrl::parse(&world.url()).unwrap();
        let database = db::connect(&url, db::Options::default()).await.unwrap();
        let made = user::ActiveModel {
            user_id: Set("1".into()),
            username: Set("one".into()),
            display_name: Set("One".into()),
            ..Default::default()
        };
        // Columns that are not set are the table's own defaults.
        let made = made.insert(database.conn()).await.unwrap();
        assert_eq!((made.miles, made.avatar_url), (0, None));
        let entry = miles_transaction::ActiveModel {
            id: Set(id),
            user_id: Set("1".into()),
            amount: Set(5),
            r#type: Set("earn".into()),
            source: Set("test".into()),
            created_at: Set(at),
            ..Default::default()
        };
        entry.insert(database.conn()).await.unwrap();
        let read = MilesTransaction::find_by_id(id).one(database.conn()).await.unwrap().unwrap();
        database.close().await;
        read
    });
    assert_eq!((read.id, read.created_at, read.batch_id), (id, at, None));
    let json = serde_json::to_value(&read).unwrap();
    assert_eq!(json["createdAt"], "2025-01-05T10:30:00.12Z");
    assert_eq!(json["userId"], "1");
    assert_eq!(
        world.query(r#"SELECT id, "createdAt" FROM "milesTransactions""#),
        "6e1fcd70-4528-4d8b-a6d6-bbedb9210096|2025-01-05 10:30:00.12"
    );
}
