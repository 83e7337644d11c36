// An airline: its brands, what it sells, its flights, and its token, of which only a fingerprint is ever shown.

import { airlineForm, brandForm, rotateForm, switchForm } from "../actions/directory";
import { planForm } from "../actions/flights";
import { type AirlinePage, readAirline } from "../api/records";
import { FlightList } from "../parts/flight-list";
import { Link } from "../parts/link";
import { Act, Actions, ActSmall, Facts, ListCard, Subject, When } from "../parts/page";
import { Text } from "../parts/text";
import { changes, mayAct } from "../state/actions";
import { useLoaded } from "../state/hooks";
import { href, type SubjectView } from "../state/route";
import { grouped } from "../text/number";
import { visible } from "../text/visible";

const COLOUR = /^#[0-9a-f]{6}$/i;

export function AirlineScreen({ view }: { view: SubjectView }) {
  const { value: page, problem } = useLoaded((signal) => readAirline(view.key, signal), [view.key, String(changes.value)]);
  return (
    <Subject
      view={page ? { ...view, key: page.airline.airlineId } : view}
      title={page?.airline.name ?? view.key}
      beside={
        page && (
          <span class="mono">
            <Text value={page.airline.airlineId} />
          </span>
        )
      }
      problem={problem}
    >
      {page && (
        <>
          <About page={page} />
          <div class="record-side">
            <FlightList flights={page.flights} empty="Nothing is in the air or due." />
            <Products page={page} />
            <Brands page={page} />
          </div>
        </>
      )}
    </Subject>
  );
}

function About({ page: { airline } }: { page: AirlinePage }) {
  return (
    <section class="card subject">
      <div class="subject-body">
        <Actions>
          <Act primary form={() => planForm(airline)}>
            Plan a flight…
          </Act>
          <Act form={() => airlineForm(airline)}>Edit…</Act>
          <Act loses form={() => rotateForm(airline)}>
            Rotate the token…
          </Act>
        </Actions>
      </div>
      <Facts
        facts={[
          [
            "Token",
            <span key="token" class="mono">
              {airline.token}
            </span>,
          ],
          ["Flights", grouped(airline.flights)],
          ["Codeshares", grouped(airline.codeshares)],
          ["Brands", grouped(airline.brands)],
          ["Products", grouped(airline.products)],
          ["Invitation", <Text key="invitation" value={airline.inviteLink ?? ""} />],
          ["Since", <When key="since" at={airline.createdAt} />],
        ]}
      />
    </section>
  );
}

function Products({ page: { products } }: { page: AirlinePage }) {
  return (
    <ListCard
      title="Products"
      label="Products"
      empty="It sells nothing."
      columns={[["Product"], ["Price", "numeric"], ["Sold", "numeric"], ["State"], [""]]}
      rows={products.map((product) => (
        <tr key={product.productId}>
          <td>
            <Link href={href({ screen: "product", key: product.productId })}>
              <Text value={product.name} />
            </Link>
          </td>
          <td class="numeric">{grouped(product.priceMiles)}</td>
          <td class="numeric">{grouped(product.redeemed)}</td>
          <td>
            <span class={`badge ${product.active ? "badge-2" : "badge-other"}`}>{product.active ? "on sale" : "off sale"}</span>
          </td>
          <td class="row-actions">
            {mayAct() && (
              <ActSmall form={() => switchForm(product)} label={`${product.active ? "Take off" : "Put on"} sale: ${visible(product.name)}`}>
                {product.active ? "Take off…" : "Put on…"}
              </ActSmall>
            )}
          </td>
        </tr>
      ))}
    />
  );
}

function Brands({ page: { brands } }: { page: AirlinePage }) {
  return (
    <ListCard
      title="Brands"
      label="Brands"
      empty="It has no brand."
      columns={[["Brand"], ["Codes"], ["Callsign"], ["Colours"], [""]]}
      rows={brands.map((brand) => (
        <tr key={brand.brandId}>
          <td>
            <Link href={href({ screen: "record", table: "brands", key: encodeURIComponent(brand.brandId) })}>
              <Text value={brand.name} />
            </Link>
            {brand.isPrimary && <span class="quiet"> primary</span>}
          </td>
          <td>
            <Text value={`${brand.iata} / ${brand.icao}`} />
          </td>
          <td>
            <Text value={brand.callsign} />
          </td>
          <td>
            {Object.entries(brand).map(
              ([name, value]) =>
                typeof value === "string" &&
                COLOUR.test(value) && <span key={name} class="swatch" title={`${name} ${value}`} style={{ backgroundColor: value }} />,
            )}
          </td>
          <td class="row-actions">
            {mayAct() && (
              <ActSmall form={() => brandForm(brand)} label={`Edit the brand ${visible(brand.name)}`}>
                Edit…
              </ActSmall>
            )}
          </td>
        </tr>
      ))}
    />
  );
}
