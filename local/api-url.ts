/** Converts the URL of an API to that of the local AWS, which serves all APIs under its endpoint. */
export function localApiUrl(apiUrl: string, endpoint: string): string {
  const { hostname, pathname } = new URL(apiUrl);
  return `${endpoint}/restapis/${hostname.split('.')[0]}${pathname.replace(/\/$/, '')}/_user_request_`;
}
