//! `brand`: codes that are nobody else's, and one primary brand an airline.

use crate::support::{World, both};

fn airlines(world: &World) {
    world.run("airline add klm KLM").ok();
    world.run("airline add delta Delta").ok();
    world.run("brand add klm KLM --airline klm --iata kl --icao klm --callsign klm").ok();
    world.run("brand add wa Cityhopper --airline klm --iata WA --icao KLC --callsign City").ok();
}

fn primary(world: &World) -> String {
    world.query(r#"SELECT "brandId" FROM brands WHERE "isPrimary" ORDER BY "brandId""#)
}

#[both(ready)]
fn a_first_brand_becomes_primary_and_codes_are_upper_case(world: &mut World) {
    airlines(world);
    assert_eq!(world.query(r#"SELECT iata, icao, callsign FROM brands ORDER BY "brandId""#), "KL|KLM|KLM\nWA|KLC|CITY");
    assert_eq!(primary(world), "klm");
    world.run("brand add dl Delta --airline delta --iata DL --icao DAL --callsign DELTA --accent-color '#E51937'").ok();
    assert_eq!(primary(world), "dl\nklm");
    assert_eq!(
        world
            .query(
                r#"SELECT "accentColor", "secondaryColor", "logoUrl" IS NOT NULL FROM brands WHERE "brandId" = 'dl'"#
            )
            .replace("|t", "|1"),
        "#e51937|#242429|1"
    );
    let third = "brand add third T --airline klm --iata T3 --icao TTT --callsign T --primary";
    let asked = world.run(third).exits(9);
    assert!(asked.stderr.contains("Make third the primary brand of klm, in place of klm?"), "{asked}");
    world.call(third).answers(["n"]).run().exits(9);
    world.run(format!("{third} -n")).ok();
    assert_eq!(primary(world), "dl\nklm");
    world.call(third).answers(["y"]).run().ok();
    assert_eq!(primary(world), "dl\nthird");
    world.run("brand add fourth F --airline klm --iata F4 --icao FFF --callsign F --primary --yes").ok();
    assert_eq!(primary(world), "dl\nfourth");
    // An airline's first takes the mark from nobody.
    world.run("airline add sas SAS").ok();
    world.run("brand add sk SAS --airline sas --iata SK --icao SAS --callsign SCANDINAVIAN --primary").ok();
}

#[both(ready)]
fn the_mark_moves_at_once(world: &mut World) {
    airlines(world);
    world.run("brand primary WA").exits(9);
    assert_eq!(primary(world), "klm");
    world.run("brand primary WA -n").ok();
    assert_eq!(primary(world), "klm");
    insta::assert_snapshot!(world.run("brand primary WA --yes --columns brandId,isPrimary -o csv"), @r"
    exit: 0
    --- stdout
    brandId,isPrimary
    wa,true
    --- stderr
    → [database]
    isPrimary: no → yes
    ");
    assert_eq!(primary(world), "wa");
    assert!(world.run("brand primary wa").ok().stderr.contains("Nothing to change"));
    let children: Vec<_> =
        ["klm", "wa", "klm", "wa", "klm"].map(|id| world.spawn(["brand", "primary", id, "--yes"])).into();
    for child in children {
        world.finish("brand primary".into(), child, b"").ok();
    }
    assert_eq!(primary(world).lines().count(), 1);
}

#[both(ready)]
fn a_code_that_another_has_is_refused_naming_it(world: &mut World) {
    airlines(world);
    for (flags, field) in [
        ("--iata KL --icao XXX --callsign X", "iata \"KL\""),
        ("--iata XX --icao klm --callsign X", "icao \"KLM\""),
        ("--iata XX --icao XXX --callsign city", "callsign \"CITY\""),
    ] {
        let refused = world.run(format!("brand add x X --airline delta {flags}")).exits(5);
        assert!(refused.stderr.contains(field) && refused.stderr.contains("has it"), "{refused}");
    }
    assert!(
        world
            .run("brand add wa X --airline delta --iata XX --icao XXX --callsign X")
            .exits(5)
            .stderr
            .contains("brand wa")
    );
    assert!(world.run("brand edit wa --iata kl --yes").exits(5).stderr.contains("brand klm"));
    world.run("brand edit wa --iata wx --callsign 'city hopper' --accent-color '#000000' --no-logo-url --yes").ok();
    assert_eq!(
        world.query(r#"SELECT iata, callsign, "logoUrl" FROM brands WHERE "brandId" = 'wa'"#),
        "WX|CITY HOPPER|"
    );
    for flags in
        ["--iata K", "--iata 11", "--icao KL1", "--accent-color red", "--callsign ''", "--logo-url x", "--name ''", ""]
    {
        world.run(format!("brand edit wa --yes {flags}")).exits(2);
    }
    world.run("brand add x X --airline nobody --iata XX --icao XXX --callsign X").exits(4);
}

#[both(ready)]
fn a_brand_in_use_or_primary_among_others_stays(world: &mut World) {
    airlines(world);
    world.query(
        r#"INSERT INTO flights (code, "gameId", aircraft, "airlineId", "brandId", departure, arrival)
        VALUES ('WA1', '14', 'E190', 'klm', 'wa', 'AMS', 'LHR')"#,
    );
    let name = world.name();
    assert!(world.run(["brand", "delete", "wa", "--confirm", &name]).exits(5).stderr.contains("1 flight"));
    assert!(
        world.run(["brand", "delete", "klm", "--confirm", &name]).exits(5).stderr.contains("skyteam brand primary wa")
    );
    assert_eq!(world.run("brand show CITY --json").json()["flights"], 1);
    world.query("DELETE FROM flights");
    world.run("brand delete wa --yes").exits(9);
    world.run(["brand", "delete", "wa", "--confirm", &name]).ok();
    world.run(["brand", "delete", "klm", "--confirm", &name]).ok();
    assert_eq!(world.query("SELECT count(*) FROM brands"), "0");
}

#[both(ready)]
fn brands_are_found_in_any_case_and_shown_in_their_colours(world: &mut World) {
    airlines(world);
    for reference in ["wa", "WA", "klc", "City", "Wa"] {
        assert_eq!(world.run(["brand", "show", reference, "--json"]).json()["brandId"], "wa", "{reference}");
    }
    assert_eq!(world.run("brand list --airline KL -o ndjson").ndjson().len(), 2);
    let painted = world.run("brand list --color always").ok().stdout;
    assert!(painted.contains("48;2;46;165;247"), "no swatch: {painted:?}");
    assert!(!world.run("brand list").ok().stdout.contains('\u{1b}'));
    world.query("UPDATE brands SET \"accentColor\" = '#ééé'");
    world.run("brand list --color always").ok();
    assert!(world.run("brand show cty").exits(4).stderr.contains("nearest"));
}
