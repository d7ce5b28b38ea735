// The reader's theme and text size, before the first paint. Runs in the head and blocks,
// which is why it is alone and short; it only reads the cookie.
{
  const [theme, size] = (document.cookie.match(/(?:^|; )littoral_look=([a-z.]+)/)?.[1] ?? "").split(".");
  const { dataset } = document.documentElement;
  if (theme === "light" || theme === "dark") dataset.theme = theme;
  if (size && size !== "normal" && size !== "medium") dataset.size = size;
}
