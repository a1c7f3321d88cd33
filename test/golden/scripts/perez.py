# Irradiance on tilted surfaces by pvlib's Perez model: run with pvlib 0.16.1, writes perez.json to standard output.
import json, pvlib, pandas as pd
cases=[]
sky=[('1991-06-21 12:00',800,120,850),('1991-06-21 08:30',600,100,400),('1991-01-15 13:15',700,60,330),('1991-03-10 16:45',150,180,230),('1991-10-05 10:00',0,90,90),('1991-12-20 15:45',300,40,90)]
for when,dni,dhi,ghi in sky:
    t=pd.DatetimeIndex([pd.Timestamp(when,tz='Etc/GMT+5')])
    p=pvlib.solarposition.spa_python(t,40.35,-79.92,380)
    extra=float(pvlib.irradiance.get_extra_radiation(t,method='nrel',solar_constant=1361).iloc[0])
    z,a=float(p.zenith.iloc[0]),float(p.azimuth.iloc[0])
    am=float(pvlib.atmosphere.get_relative_airmass(z,'kastenyoung1989'))
    for tilt,az in [(0,0),(30,180),(90,90),(90,180),(90,270),(90,0)]:
        s=float(pvlib.irradiance.perez(tilt,az,dhi,dni,extra,z,a,am))
        b=float(pvlib.irradiance.beam_component(tilt,az,z,a,dni))
        g=float(pvlib.irradiance.get_ground_diffuse(tilt,ghi,0.2))
        cases.append(dict(utcMs=int(t[0].timestamp()*1000),latitudeDeg=40.35,longitudeDeg=-79.92,directNormalWm2=dni,diffuseHorizontalWm2=dhi,globalHorizontalWm2=ghi,tiltDeg=tilt,azimuthDeg=az,zenithDeg=z,sunAzimuthDeg=a,extraterrestrialWm2=extra,beamWm2=b,skyDiffuseWm2=s,groundReflectedWm2=g))
print(json.dumps(dict(pvlib=pvlib.__version__,cases=cases),indent=1))
