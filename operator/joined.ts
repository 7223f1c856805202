/**
 * Answers for many who ask the same at once: whoever asks while an answer is under way shares the next one with all others who wait, so that nobody hears of a time before his question.
 * A failure is told to all who share it.
 */
export function joined<T>(ask: (key: string) => Promise<T>): (key: string) => Promise<T> {
  const underWay = new Map<string, { answer: Promise<T>; next?: Promise<T> | undefined }>();
  const begin = (key: string): Promise<T> => {
    const answer = ask(key);
    const entry = { answer };
    underWay.set(key, entry);
    const end = () => {
      if (underWay.get(key) === entry) underWay.delete(key);
    };
    answer.then(end, end);
    return answer;
  };
  return (key) => {
    const current = underWay.get(key);
    if (current === undefined) return begin(key);
    current.next ??= current.answer.then(
      () => begin(key),
      () => begin(key),
    );
    return current.next;
  };
}
