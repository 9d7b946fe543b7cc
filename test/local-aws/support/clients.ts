export interface Credentials {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
}

interface Configuration {
  endpoint: string;
  region: string;
  credentials: Credentials;
  maxAttempts: number;
}

/** The emulator that the setup of this suite has started. */
export const endpoint = given('LOCAL_AWS_ENDPOINT');
export const region = given('LOCAL_AWS_REGION');
export const account = given('LOCAL_AWS_ACCOUNT');
export const root: Credentials = {
  accessKeyId: given('LOCAL_AWS_ACCESS_KEY_ID'),
  secretAccessKey: given('LOCAL_AWS_SECRET_ACCESS_KEY'),
};

/** An AWS SDK client of the emulator that does not retry; by default it signs as root. */
export function client<Client>(
  Service: new (configuration: Configuration) => Client,
  credentials = root,
): Client {
  return new Service({ endpoint, region, credentials, maxAttempts: 1 });
}

function given(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set: run \`jest --selectProjects local-aws\``);
  return value;
}
