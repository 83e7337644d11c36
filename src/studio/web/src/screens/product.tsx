// A product: what it costs, how it sells, and whether it does.

import { switchForm } from "../actions/directory";
import { redeemForm } from "../actions/miles";
import { readProduct } from "../api/records";
import { Link } from "../parts/link";
import { Act, Actions, Facts, Miles, Subject } from "../parts/page";
import { Text } from "../parts/text";
import { changes } from "../state/actions";
import { useLoaded } from "../state/hooks";
import { href, type SubjectView, tableView } from "../state/route";
import { grouped } from "../text/number";

export function ProductScreen({ view }: { view: SubjectView }) {
  const { value: product, problem } = useLoaded((signal) => readProduct(view.key, signal), [view.key, String(changes.value)]);
  return (
    <Subject
      view={product ? { ...view, key: product.productId } : view}
      title={product?.name ?? view.key}
      beside={product && <span class={`badge ${product.active ? "badge-2" : "badge-other"}`}>{product.active ? "on sale" : "off sale"}</span>}
      problem={problem}
    >
      {product && (
        <section class="card subject">
          <div class="subject-body">
            <p class="balance">
              <strong>{grouped(product.priceMiles)}</strong> miles
            </p>
            <Actions>
              <Act primary disabled={!product.active} title={product.active ? undefined : "It is off sale"} form={() => redeemForm(null, product)}>
                Redeem…
              </Act>
              <Act form={() => switchForm(product)}>{product.active ? "Take off sale…" : "Put on sale…"}</Act>
            </Actions>
          </div>
          <Facts
            facts={[
              [
                "Airline",
                <Link key="airline" href={href({ screen: "airline", key: product.airlineId })}>
                  <Text value={product.airlineId} />
                </Link>,
              ],
              ["Product", <span key="id" class="mono">{product.productId}</span>],
              ["Description", product.description ? <Text key="description" value={product.description} /> : <span class="quiet">–</span>],
              ["Sold", grouped(product.redeemed)],
              ["Miles taken", <Miles key="taken" value={product.miles} />],
              ["Can afford it", `${grouped(product.canAfford)} players`],
              [
                "Sales",
                <Link
                  key="sales"
                  href={href(tableView("milesTransactions", [{ column: "productId", operator: "is", values: [product.productId] }]))}
                >
                  in the ledger
                </Link>,
              ],
            ]}
          />
        </section>
      )}
    </Subject>
  );
}
