/**
 * Answers for many who ask the same at once: whoever asks while an answer is under way shares the next one with all others who wait, so that nobody hears of a time before his question.
 * A failure is told to all who share it.
 */
export function joined<Question extends readonly (string | undefined)[], T>(
  ask: (...question: Question) => Promise<T>,
): (...question: Question) => Promise<T> {
  const underWay = new Map<string, { readonly answer: Promise<T>; next?: Promise<T> | undefined }>();
  const begin = (key: string, question: Question): Promise<T> => {
    const entry = { answer: ask(...question) };
    underWay.set(key, entry);
    const end = () => {
      if (underWay.get(key) === entry) underWay.delete(key);
    };
    entry.answer.then(end, end);
    return entry.answer;
  };
  return (...question) => {
    const key = JSON.stringify(question);
    const current = underWay.get(key);
    if (current === undefined) return begin(key, question);
    const go = () => begin(key, question);
    current.next ??= current.answer.then(go, go);
    return current.next;
  };
}
