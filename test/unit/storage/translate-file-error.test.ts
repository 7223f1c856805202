import { StoreUnavailableError } from "../../../runner/errors.ts";
import { translateFileError } from "../../../runner/storage/translate-file-error.ts";

const failure = (code: string) => Object.assign(new Error(`${code}: failed`), { code });

test.each(["ENOSPC", "EDQUOT", "EACCES", "EPERM", "EROFS", "ENOTDIR", "ELOOP", "EXDEV", "EMLINK", "ENAMETOOLONG"])(
  "%s is a refusal with a remedy",
  (code) => {
    const cause = failure(code);

    const error = translateFileError(cause, 'write object "key" in directory "/backups"');

    expect(error).toMatchObject({
      name: "StoreRefusedError",
      exitCode: 31,
      message: expect.stringMatching(/^Cannot write object "key" in directory "\/backups": ./),
      hint: expect.stringMatching(/./),
      cause,
    });
  },
);

test.each(["EIO", "ESTALE", "ETIMEDOUT", "EBUSY", "EMFILE", "ENODEV", "ENOENT"])("%s may pass by itself", (code) => {
  expect(translateFileError(failure(code), "write")).toMatchObject({ name: "StoreUnavailableError", exitCode: 30 });
});

test("what is no error of the file system stays as it is", () => {
  for (const error of [
    new Error("of a source"),
    new StoreUnavailableError("x"),
    Object.assign(new Error("x"), { code: "ERR_INVALID_ARG_TYPE" }),
  ]) {
    expect(translateFileError(error, "write")).toBe(error);
  }
});
