/** On AWS an API has a host of its own; the local AWS has them all under its endpoint. */
export function localApiUrl(apiUrl: string, endpoint: string): string {
  const { hostname, pathname } = new URL(apiUrl);
  return `${endpoint}/restapis/${hostname.split('.')[0]}${pathname.replace(/\/$/, '')}/_user_request_`;
}
