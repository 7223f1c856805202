// What Pod Security's level "restricted" asks for. The user is left to the images, which name one by number: some clusters give each namespace users of its own.

export function podSecurity(): object {
  return { runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } };
}

export function containerSecurity(): object {
  return { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ["ALL"] } };
}
