import { NOTHING } from "./action.ts";
import { decideRepository } from "./decide/repository.ts";
import { observeRepository } from "./observe/repository.ts";
import type { Reconciler } from "./world.ts";

/** Knows who uses each Repository, and lets it go once nobody does. */
export const reconcileRepository: Reconciler = {
  name: "repository",
  kind: "Repository",
  async reconcile(name, world) {
    const object = world.cached("Repository", name);
    return object === undefined ? NOTHING : decideRepository(await observeRepository(object, world), world.now());
  },
};
