// The pages of hosts and services, one chunk.
import "../css/hosts.css";
import "../lib/textAlerting";
import "../lib/textHosts";
import { page, url } from "../state/url";
import { HostPage } from "./hosts/HostPage";
import { HostList } from "./hosts/Hosts";
import { ServiceList, ServicePage } from "./hosts/Services";

export function Hosts() {
  const { open } = url.value;
  if (page.value === "services") return open ? <ServicePage key={open} name={open} /> : <ServiceList />;
  return open ? <HostPage key={open} name={open} /> : <HostList />;
}
