/** The account of App2. App1 is in the account of `outputs`. */
export const targetAccount = '222233334444';
