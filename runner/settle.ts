export type Settled<T> = { readonly value: T } | { readonly error: unknown };

/** Never rejects: what comes of the work is looked at later. */
export async function settle<T>(work: Promise<T>): Promise<Settled<T>> {
  try {
    return { value: await work };
  } catch (error) {
    return { error };
  }
}
