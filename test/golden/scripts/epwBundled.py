# Figures of the two bundled EPW files by plain csv, independent of the project's parser.
import csv, glob, json, os, gzip
out=[]
for f in sorted(glob.glob('simulators/weather/data/*.epw.gz')):
    with gzip.open(f,'rt',newline='') as h: rows=[r for r in csv.reader(h)][8:]
    col=lambda k:[float(r[k]) for r in rows]
    r=rows[4500]
    out.append({'file':os.path.basename(f),'rows':len(rows),'dryBulbMeanC':sum(col(6))/len(rows),'relativeHumidityMeanPct':sum(col(8))/len(rows),
      'pressureMeanPa':sum(col(9))/len(rows),'globalHorizontalSum':sum(col(13)),'directNormalSum':sum(col(14)),'diffuseHorizontalSum':sum(col(15)),
      'windSpeedMeanMps':sum(col(21))/len(rows),'row4500':{'month':int(r[1]),'day':int(r[2]),'hour':int(r[3]),'dryBulbC':float(r[6]),'globalHorizontalWm2':float(r[13])},
      'years':sorted({int(r[0]) for r in rows})})
print(json.dumps(out,indent=1))
