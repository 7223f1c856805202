import type { Checkup } from "./checkup.ts";
import type { DoctorParts } from "./doctor.ts";
import { type DoctorParameters, workOf } from "./doctor-objects.ts";
import { ParameterError } from "./errors.ts";
import type { DatabaseFunction } from "./function.ts";
import type { AppBinding } from "./kubernetes/cluster.ts";
import { type DatabasePlace, findDatabase } from "./places.ts";

const CREDENTIALS = "Connection and credentials of the database";
const DATABASE = "Database";

/** Looks at what is known of the database, and then at the database itself, as the function that is going to be run would. */
export async function lookAtDatabase(
  checkup: Checkup,
  parameters: DoctorParameters,
  parts: DoctorParts & { readonly appBinding: AppBinding | undefined },
): Promise<void> {
  if (parameters.appbinding !== undefined && parts.appBinding === undefined) {
    checkup.skip(CREDENTIALS, "the AppBinding could not be read");
    return checkup.skip(DATABASE, "where it is is not known");
  }
  const place = await checkup.look(CREDENTIALS, async (note) => {
    const found = await findDatabase(parameters, parts.sources);
    if (!found.connection.tls.verify) note("The database's certificate is not verified, because the user said so");
    return { detail: describePlace(found), value: found };
  });
  if (place === undefined) return checkup.skip(DATABASE, "how to connect to it is not known");
  await checkup.look(DATABASE, async (note) => {
    const fn = functionFor(parameters, { ...parts, place });
    const { connection } = place;
    fn.judge?.(connection);
    if (fn.check === undefined) throw new ParameterError(`${fn.name} knows no way to look at a database without using it`);
    const { signal, log } = parts;
    return { detail: await fn.check({ database: connection, signal, log, warn: (_reason, message) => note(message) }), value: true };
  });
}

/** @throws ParameterError when several would do */
function functionFor(
  parameters: DoctorParameters,
  { functions, appBinding, place }: DoctorParts & { readonly appBinding: AppBinding | undefined; readonly place: DatabasePlace },
): DatabaseFunction {
  const work = workOf(parameters);
  const candidates = functions.filter(
    ({ kind, name }) => kind === work && (parameters.function === undefined || name === parameters.function),
  );
  const type = appBinding?.spec.type ?? place.connection.scheme;
  const fitting = candidates.length > 1 ? candidates.filter(({ engine }) => type.includes(engine)) : candidates;
  const [fn, another] = fitting;
  if (fn !== undefined && another === undefined) return fn;
  throw new ParameterError("Cannot tell which function is going to be run", {
    hint: `Name it with --function: ${functions.map(({ name }) => name).join(", ")}`,
  });
}

function describePlace({ connection }: DatabasePlace): string {
  const keys = [...connection.credentials.keys()];
  return `${connection.description}, ${keys.length === 0 ? "without credentials" : `with the credentials ${keys.join(", ")}`}`;
}
